"""One job, from claim to outcome. The loop around it belongs to a program."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from django.db import close_old_connections

from heliosphere.contracts.jobs import JobEnvelope, JobEvent, JobOutcome
from heliosphere.panel.platform.clock import Clock
from heliosphere.panel.platform.errors import Refused, TryLater
from heliosphere.panel.platform.jobs import queue
from heliosphere.panel.platform.jobs.kinds import JOB_KINDS, PANEL_NODE

log = logging.getLogger(__name__)


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
    queue.finish(outcome, clock())
    close_old_connections()
    return outcome


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
