"""Every kind of job, declared once. A node kind runs on the agent, a panel kind in the panel's worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
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


def _first_field(spec: Any) -> str:
    named = fields(spec)
    return str(getattr(spec, named[0].name)) if named else ""


@dataclass(frozen=True)
class JobKind:
    """`on_end` runs in the transaction that ends the job (done, failed or dead) and may write rows.

    `run` is given for panel kinds only: it does the outside call with no transaction open and returns
    what it changed, raising Refused or TryLater. `about` names what a spec deals with: a failed job is not
    tried again once a newer one has dealt with the same. A question changes nothing: it is not listed as
    work, and forgotten soon.
    """

    name: str
    title: str | Promise
    on_end: Finish = _nothing
    run: PanelRun | None = None
    time_limit_seconds: int = 60
    max_attempts: int = 10
    about: Callable[[Any], str] = _first_field
    is_question: bool = False


JOB_KINDS: Registry[JobKind] = Registry("job kind")


def question_kinds() -> list[str]:
    """Kinds of jobs that only ask."""
    return [kind.name for kind in JOB_KINDS if kind.is_question]
