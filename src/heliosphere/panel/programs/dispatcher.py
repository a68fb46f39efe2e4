"""The dispatcher of a cluster: node jobs leave as sealed envelopes over the broker, answers come back.

The job table stays the truth. A published job waits in a durable queue of its node; the dispatcher
keeps its lease until the node is heard, so that a node may be away for as long as it likes. Once a node
has begun, it must go on saying something. A dispatcher that starts anew sends what is out once more: a
node does a try once, however often it gets it. The panel's own jobs run here as in the embedded worker.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from celery import Celery
from celery.exceptions import Reject

from heliosphere.contracts.codec import ContractError
from heliosphere.contracts.jobs import JobCancel, JobEnvelope, JobEvent, JobOutcome, seal, unseal
from heliosphere.panel.programs.worker import Worker, leave_at_once

log = logging.getLogger("heliosphere.dispatcher")

JOB = "heliosphere.job"
CANCEL = "heliosphere.cancel"
EVENT = "panel.job_event"
OUTCOME = "panel.job_outcome"
RESULTS = "panel.results"

CONFIRM_SECONDS = 10
"""How long the broker may take to say that it has a message."""
LONGEST_PAUSE = 15.0
"""Seconds between two tries to reach a broker that is away."""
SILENCE_SECONDS = 60.0
"""What a node that has begun may be silent for, besides the time limit of its job."""


def make_app(broker: str) -> Celery:
    """Reads the results queue; acknowledged late, so that a killed dispatcher loses no answer.

    Without Celery's Django fix-up: connections to the database are this program's own business.
    """
    app = Celery("heliosphere-panel", broker=broker, set_as_current=False, fixups=[])
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        result_backend=None,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=RESULTS,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"confirm_publish": True},
    )
    return app


@dataclass(slots=True)
class Sent:
    """A try that is out on its node. `silent_at`: when it counts as lost, monotonic seconds (None: never)."""

    fence: int
    node: str
    may_take: float
    silent_at: float | None = None
    is_taken_back: bool = False


class Dispatcher(Worker):
    """The worker whose node jobs are published instead of run."""

    def __init__(self, *, app: Celery, key: bytes, stop: threading.Event) -> None:
        super().__init__(executor=None, nodes=None, threads=4, stop=stop)
        self._panel_only = self._nodes
        self._app, self._key = app, key
        self._sent: dict[int, Sent] = {}
        self._has_taken_over = False
        self._failures, self._paused_until = 0, 0.0

    def _recover(self) -> None:
        if not self._has_taken_over:
            self._take_over()
        super()._recover()

    def _take_over(self) -> None:
        """What an earlier dispatcher left: perhaps sent, perhaps not, so it is sent (again)."""
        from heliosphere.panel.platform.jobs import queue
        from heliosphere.panel.platform.jobs.kinds import PANEL_NODE

        for envelope in queue.sent_to_nodes(PANEL_NODE, self._clock()):
            self._publish(envelope)
        self._has_taken_over = True

    def _serving(self) -> list[str] | None:
        return self._panel_only if time.monotonic() < self._paused_until else None

    def _run(self, envelope: JobEnvelope) -> None:
        from heliosphere.panel.platform.jobs.kinds import PANEL_NODE

        if envelope.node == PANEL_NODE:
            super()._run(envelope)
        else:
            self._publish(envelope)

    def _publish(self, envelope: JobEnvelope) -> None:
        """To the node's queue, with the broker's word that it has it; without it the claim is given back."""
        from heliosphere.panel.platform.jobs import queue

        may_take = envelope.time_limit_seconds + SILENCE_SECONDS
        self._sent[envelope.job_id] = Sent(envelope.fence, envelope.node, may_take)
        try:
            self._send(JOB, envelope, f"node.{envelope.node}")
            self._failures = 0
        except Exception as error:
            self._sent.pop(envelope.job_id, None)
            self._pause(error)
            queue.give_back(envelope, self._clock())

    def _send(self, task: str, message: Any, to: str) -> None:
        self._app.send_task(
            task, args=[seal(message, self._key)], queue=to, retry=False, confirm_timeout=CONFIRM_SECONDS
        )

    def _pause(self, error: Exception) -> None:
        """No node job is taken for a while: the broker is away for all of them."""
        self._failures += 1
        pause = min(LONGEST_PAUSE, 2.0 ** min(self._failures - 1, 8))
        self._paused_until = time.monotonic() + pause
        log.warning("dispatcher.broker_away pause=%.0f reason=%r", pause, error)

    def _keep_leases(self) -> None:
        from heliosphere.panel.platform.jobs import queue

        super()._keep_leases()
        now = time.monotonic()
        for job_id, sent in list(self._sent.items()):
            if sent.silent_at is not None and sent.silent_at < now:
                log.warning("dispatcher.node_silent job=%s node=%s", job_id, sent.node)
                self._forget(job_id, sent.fence)
        looked_after = dict(self._sent)
        held = queue.keep([sent.fence for sent in looked_after.values()], self._clock())
        for job_id, sent in looked_after.items():
            if sent.fence not in held:
                self._forget(job_id, sent.fence)
            elif held[sent.fence] and not sent.is_taken_back:
                self._take_back(job_id, sent)

    def _take_back(self, job_id: int, sent: Sent) -> None:
        """Somebody wants the job cancelled: the node decides, it alone knows whether it has begun."""
        try:
            self._send(CANCEL, JobCancel(job_id, sent.fence), f"node.{sent.node}.cancel")
            sent.is_taken_back = True
        except Exception as error:
            log.warning("dispatcher.broker_away job=%s reason=%r", job_id, error)

    def _forget(self, job_id: int, fence: int) -> None:
        sent = self._sent.get(job_id)
        if sent is not None and sent.fence == fence:
            del self._sent[job_id]

    def hear_event(self, event: JobEvent) -> None:
        """The node has begun: from now on it must not fall silent."""
        from heliosphere.panel.platform.jobs import queue

        sent = self._sent.get(event.job_id)
        if sent is not None and sent.fence == event.fence:
            sent.silent_at = time.monotonic() + sent.may_take
        queue.note(event, self._clock())

    def hear_outcome(self, outcome: JobOutcome) -> None:
        from heliosphere.panel.platform.jobs import queue

        queue.finish(outcome, self._clock())
        self._forget(outcome.job_id, outcome.fence)
        self._wake.set()


def register(app: Celery, dispatcher: Dispatcher, key: bytes) -> None:
    """The two tasks nodes send. A text that is not sealed by one of our nodes is dropped with a log line.

    While the database is away an answer goes back to its queue.
    """

    def hear(sealed: str, expected: type[Any], act: Any) -> None:
        from django.db import close_old_connections

        from heliosphere.panel.platform.jobs.queue import DATABASE_TROUBLE

        try:
            message = unseal(sealed, key)
            if isinstance(message, expected):
                act(message)
        except ContractError as error:
            log.warning("dispatcher.answer_not_ours reason=%s", error)
        except DATABASE_TROUBLE as error:
            log.warning("dispatcher.database_away reason=%s", error)
            time.sleep(1)
            raise Reject(str(error), requeue=True) from error
        finally:
            close_old_connections()

    def job_event(sealed: str) -> None:
        hear(sealed, JobEvent, dispatcher.hear_event)

    def job_outcome(sealed: str) -> None:
        hear(sealed, JobOutcome, dispatcher.hear_outcome)

    app.task(name=EVENT)(job_event)
    app.task(name=OUTCOME)(job_outcome)


def main(argv: list[str]) -> int:
    """Until SIGTERM. The broker's address comes from the panel's configuration."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heliosphere.panel.settings.runtime")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    import django

    django.setup()
    from django.conf import settings

    house = settings.HELIOSPHERE
    if house.broker is None:
        sys.stderr.write("no broker is set in panel.json: this installation uses the embedded worker\n")
        return 2
    app, stop = make_app(house.broker), threading.Event()
    dispatcher = Dispatcher(app=app, key=house.node_key, stop=stop)
    register(app, dispatcher, house.node_key)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until Celery has its own way to stop
    ended: list[bool] = []
    loop = threading.Thread(target=lambda: ended.append(dispatcher.run()), name="dispatch")
    loop.start()
    try:
        app.worker_main(
            [
                "worker",
                "--pool=solo",
                "--loglevel=WARNING",
                "--without-gossip",
                "--without-mingle",
                f"--queues={RESULTS}",
                "--hostname=panel@results",
            ]
        )
    finally:
        stop.set()
        loop.join(timeout=20)
        if ended != [True]:
            leave_at_once()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
