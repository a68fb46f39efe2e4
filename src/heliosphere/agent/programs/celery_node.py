"""The agent of a cluster node: takes sealed jobs from its queue, answers on the panel's.

Run: python -m heliosphere.agent.programs.celery_node --config FILE
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import Celery
from celery.exceptions import Reject

from heliosphere.agent import config as agent_config
from heliosphere.agent.config import AgentConfig
from heliosphere.agent.programs import cancels
from heliosphere.agent.programs.cancels import Cancels
from heliosphere.agent.services.build import build_executor
from heliosphere.agent.services.take_jobs import Executor
from heliosphere.contracts.codec import ContractError
from heliosphere.contracts.jobs import JobEnvelope, JobEvent, JobOutcome, seal, unseal

log = logging.getLogger("heliosphere.agent")

JOB = "heliosphere.job"
EVENT = "panel.job_event"
OUTCOME = "panel.job_outcome"
RESULTS = "panel.results"
"""The queue the panel reads. Task arguments on both sides are one sealed text."""

MOST_STARTS = 3
"""A try that was begun this often and never got to an end kills its agent; it is not begun again."""


def make_app(config: AgentConfig) -> Celery:
    """Acknowledged late and taken one by one: a killed worker's job comes again. No result backend."""
    app = Celery("heliosphere-node", broker=config.broker, set_as_current=False, fixups=[])
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        result_backend=None,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=f"node.{config.node}",
        task_create_missing_queues=True,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"confirm_publish": True},
    )
    return app


class Node:
    """What a delivered job goes through. `send(task, text)` publishes to the panel; raises when it cannot."""

    def __init__(
        self, executor: Executor, key: bytes, state_dir: Path, send: Callable[[str, str], None]
    ) -> None:
        self._executor = executor
        self._key = key
        self._cancels = Cancels(state_dir / "cancel")
        self._begun = state_dir / "begun"
        self._begun.mkdir(parents=True, exist_ok=True)
        self._send = send

    def take(self, sealed: str) -> None:
        """Run one sealed envelope. A text that is not the panel's is thrown away with a log line.

        Raises when the outcome cannot be sent: the job comes again and is answered from the journal.
        """
        try:
            envelope = unseal(sealed, self._key)
        except ContractError as error:
            log.warning("agent.job_not_ours reason=%s", error)
            raise Reject(str(error), requeue=False) from error
        if not isinstance(envelope, JobEnvelope):
            raise Reject("not a job envelope", requeue=False)
        outcome = self._run(envelope)
        self._say(OUTCOME, outcome)
        self._cancels.forget(envelope.job_id)
        log.info("agent.job_ended job=%s kind=%s status=%s", envelope.job_id, envelope.kind, outcome.status)

    def _run(self, envelope: JobEnvelope) -> JobOutcome:
        """Counts on disk how often this try was begun: a process that is killed remembers nothing else."""
        mark = self._begun / f"{envelope.job_id}.{envelope.fence}"
        with mark.open("ab") as file:
            file.write(b".")
        if mark.stat().st_size > MOST_STARTS:
            outcome = _kills_its_agent(envelope)
        else:
            outcome = self._executor.run(
                envelope, self._tell, lambda: self._cancels.asked(envelope.job_id, envelope.fence)
            )
        mark.unlink(missing_ok=True)
        return outcome

    def _tell(self, event: JobEvent) -> None:
        """One line of the live log. A line that gets lost harms nobody, a job stopped for it would."""
        try:
            self._say(EVENT, event)
        except Exception as error:
            log.warning("agent.event_lost job=%s reason=%r", event.job_id, error)

    def _say(self, task: str, message: Any) -> None:
        self._send(task, seal(message, self._key))


def _kills_its_agent(envelope: JobEnvelope) -> JobOutcome:
    return JobOutcome(
        envelope.job_id,
        envelope.fence,
        "crashed",
        code="agent-killed",
        message=f"The agent was killed {MOST_STARTS} times in the middle of this try.",
        advice="Look at the end of the agent's log and at the memory of the node.",
    )


def register(app: Celery, config: AgentConfig, executor: Executor) -> None:
    def send(task: str, text: str) -> None:
        patience = 5 if task == OUTCOME else 0
        app.send_task(
            task, args=[text], queue=RESULTS, retry=bool(patience), retry_policy={"max_retries": patience},
            confirm_timeout=10,
        )  # fmt: skip

    node = Node(executor, config.key(), config.state_dir, send)

    def job(sealed: str) -> None:
        try:
            node.take(sealed)
        except Reject:
            raise
        except Exception as error:  # the broker went away under the answer, or the disk is full
            log.warning("agent.answer_not_sent reason=%r", error)
            time.sleep(1)
            raise Reject(str(error), requeue=True) from error

    app.task(name=JOB)(job)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="heliosphere agent node", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the agent's JSON configuration file")
    parser.add_argument("--concurrency", type=int, default=4, help="jobs worked on at once (default 4)")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        config = agent_config.load(options.config)
    except agent_config.ConfigError as error:
        parser.error(str(error))
    if config.broker is None:
        parser.error(f"{options.config}: no broker is set, so there is no queue to take jobs from")
    app = make_app(config)
    register(app, config, build_executor(options.config))
    cancels.listen(config)
    app.worker_main(
        [
            "worker",
            "--pool=threads",
            f"--concurrency={options.concurrency}",
            "--loglevel=INFO",
            "--without-gossip",
            "--without-mingle",
            f"--queues=node.{config.node}",
            f"--hostname=agent@{config.node}",
        ]
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
