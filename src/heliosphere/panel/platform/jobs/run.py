"""One job, from claim to outcome. The loop around it belongs to a program."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from django.db import close_old_connections

from heliosphere.contracts.jobs import JobEnvelope, JobEvent, JobOutcome
from heliosphere.panel.platform.clock import Clock
from heliosphere.panel.platform.errors import Refused, TryLater
from heliosphere.panel.platform.jobs import queue
from heliosphere.panel.platform.jobs.kinds import JOB_KINDS, PANEL_NODE

log = logging.getLogger(__name__)

#: Seconds between two tries to write an outcome down while the database is away or busy.
WRITE_PAUSES = (0.2, 1.0, 5.0)


class Executor(Protocol):
    """What applies node jobs: the agent, in this process or elsewhere."""

    def run(
        self,
        envelope: JobEnvelope,
        report: Callable[[JobEvent], None],
        cancelled: Callable[[], bool],
    ) -> JobOutcome: ...


def run_claimed(envelope: JobEnvelope, executor: Executor | None, clock: Clock) -> JobOutcome:
    """Run a claimed job to its outcome and write that down. Never raises for what a job does."""
    try:
        outcome = _run(envelope, executor, clock)
    except Exception as error:
        log.exception("job %s crashed", envelope.job_id)
        outcome = JobOutcome(
            envelope.job_id,
            envelope.fence,
            "crashed",
            code="internal",
            message=f"{type(error).__name__}: {error}"[:500],
        )
    outcome = queue.with_fence(outcome, envelope)
    _write_down(outcome, clock)
    return outcome


def _write_down(outcome: JobOutcome, clock: Clock) -> None:
    """An outcome that cannot be written is not lost: the lease ends, and the next try finds the work done."""
    for pause in (*WRITE_PAUSES, None):
        try:
            queue.finish(outcome, clock())
            return
        except queue.DATABASE_TROUBLE as error:
            close_old_connections()
            if pause is None:
                log.error("the outcome of job %s could not be written: %s", outcome.job_id, error)
                return
            time.sleep(pause)


def _run(envelope: JobEnvelope, executor: Executor | None, clock: Clock) -> JobOutcome:
    if envelope.node == PANEL_NODE:
        return _run_here(envelope, clock)
    if executor is None:
        raise RuntimeError("a node job came to a worker without an agent")
    return executor.run(
        envelope,
        lambda event: queue.note(event, clock()),
        lambda: queue.cancel_asked(envelope.job_id, envelope.fence),
    )


def _run_here(envelope: JobEnvelope, clock: Clock) -> JobOutcome:
    run = JOB_KINDS[envelope.kind].run
    if run is None:
        raise RuntimeError(f"{envelope.kind} does not run in the panel")
    done, fence = envelope.job_id, envelope.fence
    try:
        return JobOutcome(done, fence, "done", changes=run(envelope.spec, clock()))
    except Refused as error:
        return JobOutcome(
            done, fence, "refused", code=error.code, message=str(error.message), advice=str(error.advice)
        )
    except TryLater as error:
        return JobOutcome(
            done, fence, "try_later", code=error.code, message=str(error.message), advice=str(error.advice)
        )
