"""Every kind of job, declared once. A node kind runs on the agent, a panel kind in the panel's worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from heliosphere.contracts.jobs import JobOutcome
from heliosphere.panel.platform.jobs.models import Job
from heliosphere.panel.platform.registry import Registry

#: The queue of work that the panel itself does.
PANEL_NODE = "panel"

Finish = Callable[[Job, Any, JobOutcome, datetime], None]
PanelRun = Callable[[Any, datetime], tuple[str, ...]]


def _nothing(job: Job, spec: Any, outcome: JobOutcome, now: datetime) -> None:
    return None


@dataclass(frozen=True)
class JobKind:
    """`on_end` runs in the transaction that ends the job (done, failed or dead) and may write rows.

    `run` is given for panel kinds only: it does the outside call with no transaction open and returns
    what it changed, raising Refused or TryLater.
    """

    name: str
    title: str | Promise
    on_end: Finish = _nothing
    run: PanelRun | None = None
    time_limit_seconds: int = 60
    max_attempts: int = 10


JOB_KINDS: Registry[JobKind] = Registry("job kind")
