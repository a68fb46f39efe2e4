"""The dispatcher of a cluster: node jobs leave as sealed envelopes over the broker, answers come back.

The job table stays the truth. A published job waits in a durable queue of its node; until the node is
first heard, the dispatcher keeps its lease, so that a node may be away for as long as it likes. The
panel's own jobs run here as in the embedded worker.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Any

from celery import Celery

from heliosphere.contracts.codec import ContractError
from heliosphere.contracts.jobs import JobEnvelope, JobEvent, JobOutcome, seal, unseal
from heliosphere.panel.programs.worker import Worker

log = logging.getLogger("heliosphere.dispatcher")

JOB = "heliosphere.job"
EVENT = "panel.job_event"
OUTCOME = "panel.job_outcome"
RESULTS = "panel.results"


def make_app(broker: str) -> Celery:
    """Reads the results queue; acknowledged late, so that a killed dispatcher loses no answer."""
    app = Celery("heliosphere-panel", broker=broker, set_as_current=False)
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
        task_publish_retry=False,
        broker_transport_options={"confirm_publish": True},
    )
    return app


class Dispatcher(Worker):
    """The worker whose node jobs are published instead of run."""

    def __init__(self, *, app: Celery, key: bytes, stop: threading.Event) -> None:
        super().__init__(executor=None, nodes=None, threads=2, stop=stop)
        self._nodes = None
        self._app, self._key = app, key

    def _run(self, envelope: object) -> None:
        from heliosphere.panel.platform.jobs.kinds import PANEL_NODE

        assert isinstance(envelope, JobEnvelope)
        if envelope.node == PANEL_NODE:
            super()._run(envelope)
        else:
            self._publish(envelope)

    def _publish(self, envelope: JobEnvelope) -> None:
        """To the node's queue, with the broker's word that it has it; without it the claim is given back."""
        from heliosphere.panel.platform.jobs import queue

        try:
            self._app.send_task(JOB, args=[seal(envelope, self._key)], queue=f"node.{envelope.node}")
        except Exception as error:
            log.warning("dispatcher.broker_away job=%s reason=%s", envelope.job_id, error)
            self._held.pop(envelope.job_id, None)
            queue.give_back(envelope, self._clock())
            self._stop.wait(1)

    def hear_event(self, event: JobEvent) -> None:
        """The node has begun: from now on its own lines keep the lease."""
        from heliosphere.panel.platform.jobs import queue

        self._held.pop(event.job_id, None)
        queue.note(event, self._clock())

    def hear_outcome(self, outcome: JobOutcome) -> None:
        from heliosphere.panel.platform.jobs import queue

        self._held.pop(outcome.job_id, None)
        queue.finish(outcome, self._clock())


def register(app: Celery, dispatcher: Dispatcher, key: bytes) -> None:
    """The two tasks nodes send. A text that is not sealed by one of our nodes is dropped with a log line."""

    def hear(sealed: str, expected: type[Any], act: Any) -> None:
        from django.db import close_old_connections

        try:
            message = unseal(sealed, key)
        except ContractError as error:
            log.warning("dispatcher.answer_not_ours reason=%s", error)
            return
        if isinstance(message, expected):
            act(message)
        close_old_connections()

    app.task(name=EVENT)(lambda sealed: hear(sealed, JobEvent, dispatcher.hear_event))
    app.task(name=OUTCOME)(lambda sealed: hear(sealed, JobOutcome, dispatcher.hear_outcome))


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
    loop = threading.Thread(target=dispatcher.run, name="dispatch")
    loop.start()
    try:
        app.worker_main(
            [
                "worker",
                "--pool=solo",
                "--loglevel=INFO",
                "--without-gossip",
                "--without-mingle",
                f"--queues={RESULTS}",
                "--hostname=panel@results",
            ]
        )
    finally:
        stop.set()
        loop.join(timeout=20)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
