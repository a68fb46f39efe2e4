"""The jobs mail servers declare: changing their settings, and asking them."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from heliosphere.contracts.codec import decode
from heliosphere.contracts.jobs import JobOutcome
from heliosphere.contracts.mail_server import ControlsFound, MailControlsSpec, MailQuestion, ReadControls
from heliosphere.panel.mail.server import services
from heliosphere.panel.mail.server.models import Question
from heliosphere.panel.platform.jobs.kinds import JOB_KINDS, JobKind
from heliosphere.panel.platform.jobs.models import Job, JobState
from heliosphere.panel.platform.periodic import PERIODIC_JOBS, PeriodicJob


def _changed(job: Job, spec: MailControlsSpec, outcome: JobOutcome, now: datetime) -> None:
    if job.state == JobState.DONE:
        services.keep_changed(job.node, spec.values, now)


def _answered(job: Job, spec: MailQuestion, outcome: JobOutcome, now: datetime) -> None:
    found = decode(outcome.answer) if job.state == JobState.DONE and outcome.answer else None
    Question.everything.filter(job=job).update(answer=outcome.answer if found is not None else "")
    if not isinstance(spec, ReadControls):
        return
    if job.state != JobState.CANCELLED:
        failed = ControlsFound(trouble=f"{outcome.message} {outcome.advice}".strip())
        read = found if isinstance(found, ControlsFound) else failed
        services.keep_found(job.node, read, asked_at=job.created_at, now=now)


JOB_KINDS.add(
    JobKind(
        "mail_controls.apply",
        _("Change mail server settings"),
        on_end=_changed,
        about=lambda spec: "the settings",
    )
)
JOB_KINDS.add(
    JobKind(
        "mail_desk.ask",
        _("Ask a mail server"),
        on_end=_answered,
        time_limit_seconds=90,
        max_attempts=2,
        is_question=True,
    )
)
PERIODIC_JOBS.add(
    PeriodicJob("mail.read-settings", _("Read the settings of mail servers"), "9 * * * *", services.read_all)
)
