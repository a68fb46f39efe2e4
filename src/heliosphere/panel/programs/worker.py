"""The embedded worker: takes jobs from the table, runs them here, and keeps the periodic jobs going.

One thread looks for work and hands it to a small pool; another renews leases. SIGTERM lets running
jobs end (bounded), and what does not end in time is taken up again by the next worker: its lease ends.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

IDLE_SECONDS = 0.25
RENEW_SECONDS = 5.0
STOP_SECONDS = 15.0

log = logging.getLogger("heliosphere.worker")


def main(argv: list[str], *, executor: object | None = None, nodes: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. `executor` applies node jobs; without one only panel jobs are taken."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heliosphere.panel.settings.runtime")
    import django

    django.setup()
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    Worker(executor=executor, nodes=nodes, threads=3, stop=stop).run()
    return 0


class Worker:
    """The loop. Time comes from the panel's system clock, because a program owns it."""

    def __init__(
        self, *, executor: object | None, nodes: list[str] | None, threads: int, stop: threading.Event
    ) -> None:
        from heliosphere.panel.platform.clock import system_clock
        from heliosphere.panel.platform.jobs.kinds import PANEL_NODE

        self._executor, self._threads, self._stop, self._clock = executor, threads, stop, system_clock
        self._nodes = nodes if executor is not None else [PANEL_NODE]
        self._name = f"worker-{os.getpid()}"
        self._held: dict[int, int] = {}

    def run(self) -> None:
        """Until told to stop."""
        keeper = threading.Thread(target=self._keep_leases, name="leases", daemon=True)
        keeper.start()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="job") as pool:
            self._loop(pool)

    def _loop(self, pool: ThreadPoolExecutor) -> None:
        from heliosphere.panel.platform.periodic import run_due

        running: set[Future[None]] = set()
        while not self._stop.is_set():
            running = {future for future in running if not future.done()}
            try:
                run_due(self._clock())
                took = len(running) < self._threads and self._take(pool, running)
            except Exception:
                log.exception("the worker's loop met trouble; it goes on")
                took = False
                self._stop.wait(2)
            if not took:
                self._stop.wait(IDLE_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while any(not future.done() for future in running) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _take(self, pool: ThreadPoolExecutor, running: set[Future[None]]) -> bool:
        from heliosphere.panel.platform.jobs import queue

        now = self._clock()
        queue.recover_lost(now)
        if not queue.has_due(now):
            return False
        envelope = queue.claim(self._name, now, nodes=self._nodes)
        if envelope is None:
            return False
        self._held[envelope.job_id] = envelope.fence
        running.add(pool.submit(self._run, envelope))
        return True

    def _run(self, envelope: object) -> None:
        from heliosphere.contracts.jobs import JobEnvelope
        from heliosphere.panel.platform.jobs.run import run_claimed

        assert isinstance(envelope, JobEnvelope)
        try:
            run_claimed(envelope, self._executor, self._clock)  # type: ignore[arg-type]
        finally:
            self._held.pop(envelope.job_id, None)

    def _keep_leases(self) -> None:
        from django.db import close_old_connections

        from heliosphere.panel.platform.jobs import queue

        while not self._stop.wait(RENEW_SECONDS):
            for job_id, fence in list(self._held.items()):
                queue.renew(job_id, fence, self._clock())
            close_old_connections()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
