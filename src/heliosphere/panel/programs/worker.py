"""The embedded worker: takes jobs from the table, runs them here, and keeps the periodic jobs going.

One thread looks for work and hands it to a small pool, one renews leases, one runs periodic jobs.
SIGTERM lets running jobs end (bounded); what does not end in time is taken up again by the next
worker: its lease ends.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliosphere.contracts.jobs import JobEnvelope
    from heliosphere.panel.platform.jobs.run import Executor

IDLE_SECONDS = 0.25
"""The longest wait before the table is looked at again; a job's end wakes the loop at once."""
RENEW_SECONDS = 5.0
RECOVER_SECONDS = 2.0
PERIODIC_SECONDS = 1.0
TROUBLE_SECONDS = 2.0
STOP_SECONDS = 15.0

log = logging.getLogger("heliosphere.worker")


def main(argv: list[str], *, executor: Executor | None = None, nodes: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. `executor` applies node jobs; without one only panel jobs are taken."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heliosphere.panel.settings.runtime")
    import django

    django.setup()
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    if not Worker(executor=executor, nodes=nodes, threads=3, stop=stop).run():
        leave_at_once()
    return 0


def leave_at_once() -> None:
    """End the process although threads of it are busy; what they do is tried again by the next one."""
    log.warning("worker.left_running the jobs that still run are taken up by the next worker")
    logging.shutdown()
    os._exit(0)


class Worker:
    """The loop. Time comes from the panel's system clock where none is handed in: a program owns it."""

    def __init__(
        self,
        *,
        executor: Executor | None,
        nodes: list[str] | None,
        threads: int,
        stop: threading.Event,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        from heliosphere.panel.platform.clock import system_clock
        from heliosphere.panel.platform.jobs.kinds import PANEL_NODE

        self._executor, self._threads, self._stop = executor, threads, stop
        self._clock = clock or system_clock
        self._nodes = nodes if executor is not None else [PANEL_NODE]
        self._name = f"worker-{os.getpid()}"
        self._held: dict[int, int] = {}
        self._running: set[Future[None]] = set()
        self._wake = threading.Event()
        self._next_recovery = 0.0

    def run(self) -> bool:
        """Until told to stop. False: some job did not end in time and is still running."""
        left = threading.Event()
        for name, seconds, act in (
            ("leases", RENEW_SECONDS, self._keep_leases),
            ("periodic", PERIODIC_SECONDS, self._run_periodic),
        ):
            threading.Thread(target=_repeat, args=(left, seconds, act), name=name, daemon=True).start()
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="job")
        try:
            while not self._stop.is_set():
                self._turn(pool)
            return self._wait_for_running()
        finally:
            left.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _turn(self, pool: ThreadPoolExecutor) -> None:
        """One look at the table."""
        from django.db import close_old_connections

        self._wake.clear()
        self._running = {future for future in self._running if not future.done()}
        try:
            self._recover()
            took = len(self._running) < self._threads and self._take(pool)
        except Exception:
            log.exception("the worker's loop met trouble; it goes on")
            close_old_connections()
            self._stop.wait(TROUBLE_SECONDS)
            return
        if not took and not self._stop.is_set():
            self._wake.wait(IDLE_SECONDS)

    def _wait_for_running(self) -> bool:
        deadline = time.monotonic() + STOP_SECONDS
        while any(not future.done() for future in self._running) and time.monotonic() < deadline:
            time.sleep(0.05)
        return all(future.done() for future in self._running)

    def _recover(self) -> None:
        from heliosphere.panel.platform.jobs import queue

        if time.monotonic() >= self._next_recovery:
            queue.recover_lost(self._clock())
            self._next_recovery = time.monotonic() + RECOVER_SECONDS

    def _serving(self) -> list[str] | None:
        """The nodes whose jobs are taken now; None: all."""
        return self._nodes

    def _take(self, pool: ThreadPoolExecutor) -> bool:
        from heliosphere.panel.platform.jobs import queue

        now, nodes = self._clock(), self._serving()
        if not queue.has_due(now, nodes=nodes):
            return False
        envelope = queue.claim(self._name, now, nodes=nodes)
        if envelope is None:
            return False
        self._held[envelope.job_id] = envelope.fence
        future = pool.submit(self._run_logged, envelope)
        future.add_done_callback(lambda _: self._wake.set())
        self._running.add(future)
        return True

    def _run_logged(self, envelope: JobEnvelope) -> None:
        from django.db import close_old_connections

        try:
            self._run(envelope)
        except Exception:
            log.exception("job %s was left without an outcome; its lease ends", envelope.job_id)
        finally:
            self._held.pop(envelope.job_id, None)
            close_old_connections()

    def _run(self, envelope: JobEnvelope) -> None:
        from heliosphere.panel.platform.jobs.run import run_claimed

        run_claimed(envelope, self._executor, self._clock)

    def _keep_leases(self) -> None:
        from heliosphere.panel.platform.jobs import queue

        if held := list(self._held.values()):
            queue.keep(held, self._clock())

    def _run_periodic(self) -> None:
        from heliosphere.panel.platform.periodic import run_due

        run_due(self._clock())


def _repeat(left: threading.Event, seconds: float, act: Callable[[], None]) -> None:
    """Until `left`; trouble is logged and does not end it. Each round gives its database connection back."""
    from django.db import close_old_connections

    while not left.wait(seconds):
        try:
            act()
        except Exception:
            log.exception("%s met trouble; it goes on", threading.current_thread().name)
        finally:
            close_old_connections()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
