"""All moves of a job row. Each is one short transaction; nobody else writes the job table."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from heliosphere.contracts.codec import ContractError, decode, encode
from heliosphere.contracts.jobs import JobEnvelope, JobEvent, JobOutcome
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.jobs.kinds import JOB_KINDS
from heliosphere.panel.platform.jobs.models import Job, JobAttempt, JobGroup, JobLog, JobState
from heliosphere.panel.platform.jobs.rules import LEASE, retry_delay
from heliosphere.panel.platform.principal import Principal

log = logging.getLogger(__name__)

#: The database is away or busy. What was tried did not happen and may be tried again as it is.
DATABASE_TROUBLE = (OperationalError, InterfaceError)


def open_group(
    title: str, *, actor: Principal, now: datetime, provider_id: int | None, account_id: int | None = None
) -> JobGroup:
    """A group to watch. Inside the caller's transaction."""
    return JobGroup.everything.create(
        title=title, provider_id=provider_id, account_id=account_id, created_at=now
    )


def queue_job(
    kind: str,
    spec: Any,
    *,
    title: str,
    node: str,
    object_key: str,
    actor: Principal,
    now: datetime,
    group: JobGroup | None = None,
    provider_id: int | None = None,
    account_id: int | None = None,
) -> Job:
    """Put work in the outbox, inside the caller's transaction: no write, no job; no job, no write."""
    declared = JOB_KINDS[kind]
    return Job.everything.create(
        kind=kind,
        title=title[:200],
        node=node,
        object_key=object_key[:255],
        spec=encode(spec),
        group=group,
        provider_id=provider_id if provider_id is not None else (group.provider_id if group else None),
        account_id=account_id if account_id is not None else (group.account_id if group else None),
        run_at=now,
        created_at=now,
        max_attempts=declared.max_attempts,
        actor_label=actor.label[:150],
    )


def _due(nodes: list[str] | None, now: datetime) -> QuerySet[Job]:
    """Jobs that may start: due, no earlier job waits for the same object and none runs on it."""
    in_the_way = Job.everything.filter(
        Q(pk__lt=OuterRef("pk"), state=JobState.QUEUED) | Q(state=JobState.RUNNING),
        object_key=OuterRef("object_key"),
    )
    due = Job.everything.filter(state=JobState.QUEUED, run_at__lte=now).exclude(Exists(in_the_way))
    return (due if nodes is None else due.filter(node__in=nodes)).order_by("run_at", "pk")


@transaction.atomic
def claim(worker: str, now: datetime, *, nodes: list[str] | None = None) -> JobEnvelope | None:
    """Take the next job, or None. Two workers never take the same one; order per object is kept.

    A job this version cannot read (its kind is gone, its spec is newer) fails with words, so that it
    stands in nobody's way.
    """
    due = _due(nodes, now)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    while (job := due.first()) is not None:
        try:
            return _start(job, _envelope(job), worker, now)
        except (KeyError, ContractError) as error:
            _fail_unreadable(job, error, now)
    return None


def _start(job: Job, envelope: JobEnvelope, worker: str, now: datetime) -> JobEnvelope:
    attempt = JobAttempt.objects.create(job=job, worker=worker, started_at=now)
    job.state, job.fence, job.lease_until = JobState.RUNNING, attempt.pk, now + LEASE
    job.attempts += 1
    job.step = 0
    job.started_at = job.started_at or now
    job.save(update_fields=["state", "fence", "lease_until", "attempts", "step", "started_at"])
    return replace(envelope, fence=job.fence, attempt=job.attempts)


def _fail_unreadable(job: Job, error: Exception, now: datetime) -> None:
    job.state, job.finished_at, job.code = JobState.FAILED, now, "unreadable-job"
    job.message = _("This version of the panel cannot do the job %(kind)s: %(why)s.") % {
        "kind": job.kind,
        "why": str(error) if isinstance(error, ContractError) else _("it does not know this kind"),
    }
    job.advice = _("Try again with the version that queued it, or order the change anew.")
    job.save(update_fields=["state", "finished_at", "code", "message", "advice"])
    JobLog.objects.create(job=job, at=now, level="error", text=job.message)


def has_due(now: datetime, *, nodes: list[str] | None = None) -> bool:
    """Whether a claim would find something: one cheap read, so that an idle worker takes no write lock."""
    return _due(nodes, now).exists()


def _envelope(job: Job) -> JobEnvelope:
    return JobEnvelope(
        job_id=job.pk,
        kind=job.kind,
        object_key=job.object_key,
        node=job.node,
        fence=job.fence,
        attempt=job.attempts,
        spec=decode(job.spec),
        time_limit_seconds=JOB_KINDS[job.kind].time_limit_seconds,
    )


def keep(fences: list[int], now: datetime) -> dict[int, bool]:
    """Renew the leases of these tries. Returns those still held, with whether each should be cancelled."""
    held = Job.everything.filter(fence__in=fences, state=JobState.RUNNING)
    held.update(lease_until=now + LEASE)
    return dict(held.values_list("fence", "cancel_requested"))


def sent_to_nodes(panel_node: str, now: datetime) -> list[JobEnvelope]:
    """The tries that are out on nodes, leases renewed: what a fresh dispatcher has to look after."""
    out = Job.everything.filter(state=JobState.RUNNING).exclude(node=panel_node)
    out.update(lease_until=now + LEASE)
    envelopes = []
    for job in out.order_by("fence"):
        # What cannot be read is left to its lease, and to the next claim.
        with suppress(KeyError, ContractError):
            envelopes.append(_envelope(job))
    return envelopes


@transaction.atomic
def give_back(envelope: JobEnvelope, now: datetime) -> None:
    """Undo a claim whose job could not be sent to its node: this was no try.

    Should it have been sent after all, its fence is old by then and its answer is not heard.
    """
    job = Job.everything.select_for_update().filter(pk=envelope.job_id, fence=envelope.fence).first()
    if job is None or job.state != JobState.RUNNING:
        return
    JobAttempt.objects.filter(pk=job.fence).delete()
    if job.code != "broker-away":
        text = _("The message broker does not answer. The job waits for it.")
        job.code, job.message = "broker-away", text
        JobLog.objects.create(job=job, at=now, level="warning", text=text)
    job.state, job.attempts, job.lease_until = JobState.QUEUED, job.attempts - 1, None
    job.run_at = now + retry_delay(1)
    if job.cancel_requested:
        job.state, job.finished_at = JobState.CANCELLED, now
    job.save()
    if job.state == JobState.CANCELLED:
        _tell_kind(job, JobOutcome(job.pk, job.fence, "cancelled", message=_("cancelled")), now)


def note(event: JobEvent, now: datetime) -> None:
    """One line of the live log; moves the progress bar and renews the lease. Old tries are not heard."""
    mine = Job.everything.filter(pk=event.job_id, fence=event.fence, state=JobState.RUNNING)
    changes: dict[str, Any] = {"lease_until": now + LEASE}
    if event.steps:
        changes |= {"step": event.step, "steps": event.steps}
    with transaction.atomic():
        if mine.update(**changes):
            JobLog.objects.create(job_id=event.job_id, at=now, level=event.level, text=event.text)


def finish(outcome: JobOutcome, now: datetime) -> Job | None:
    """Write down how a try ended. None: the try is not the current one (told twice, or superseded).

    What the kind does at the end (`on_end`) belongs to it: when that fails, the try counts as crashed.
    """
    try:
        return _finish(outcome, now)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        log.exception("the end of job %s could not be written", outcome.job_id)
        why = _("The node is done, but what the panel does then failed (%s).") % type(error).__name__
        crashed = replace(outcome, status="crashed", changes=(), code="end-failed", message=why, advice="")
        return _finish(crashed, now, is_second=True)


@transaction.atomic
def _finish(
    outcome: JobOutcome, now: datetime, *, is_second: bool = False, only_lost: bool = False
) -> Job | None:
    job = Job.everything.select_for_update().filter(pk=outcome.job_id).first()
    if job is None or job.fence != outcome.fence or job.state != JobState.RUNNING:
        return None
    if only_lost and job.lease_until is not None and job.lease_until >= now:
        return None
    JobAttempt.objects.filter(pk=job.fence).update(
        ended_at=now, status=outcome.status, message=outcome.message
    )
    job.state = _state_after(job, outcome)
    job.code, job.message, job.advice = outcome.code, outcome.message, outcome.advice
    job.lease_until = None
    if job.state == JobState.QUEUED:
        job.run_at = now + retry_delay(job.attempts)
    else:
        job.finished_at = now
    if job.state == JobState.DONE:
        job.step = job.steps = max(job.steps, 1)
    job.save()
    _log_end(job, outcome, now)
    if not job.is_open:
        _tell_kind(job, outcome, now, may_fail=is_second)
    return job


def _tell_kind(job: Job, outcome: JobOutcome, now: datetime, *, may_fail: bool = False) -> None:
    """Let the job's kind write what follows. With `may_fail` its own fault is logged and nothing follows."""
    kind = JOB_KINDS.get(job.kind)
    if kind is None:
        return
    try:
        with transaction.atomic():
            kind.on_end(job, decode(job.spec), outcome, now)
    except DATABASE_TROUBLE:
        raise
    except Exception:
        if not may_fail:
            raise
        log.exception("job %s ended without what should follow it", job.pk)


def _state_after(job: Job, outcome: JobOutcome) -> JobState:
    if outcome.status == "done":
        return JobState.DONE
    if outcome.status == "cancelled":
        return JobState.CANCELLED
    if outcome.status in ("refused", "stale"):
        return JobState.FAILED
    if job.cancel_requested:
        return JobState.CANCELLED
    return JobState.DEAD if job.attempts >= job.max_attempts else JobState.QUEUED


def _log_end(job: Job, outcome: JobOutcome, now: datetime) -> None:
    done = _("Done: %s") % (", ".join(outcome.changes) or _("nothing had to change"))
    texts = {
        JobState.DONE: _("Answered") if outcome.answer else done,
        JobState.QUEUED: _("Trying again: %s") % outcome.message,
        JobState.FAILED: outcome.message,
        JobState.DEAD: _("Gave up after %(count)d tries: %(why)s")
        % {"count": job.attempts, "why": outcome.message},
        JobState.CANCELLED: _("Cancelled"),
    }
    level = {JobState.DONE: "info", JobState.CANCELLED: "info", JobState.QUEUED: "warning"}
    state = JobState(job.state)
    JobLog.objects.create(job=job, at=now, level=level.get(state, "error"), text=texts[state])


def recover_lost(now: datetime) -> int:
    """Give back jobs whose worker fell silent. One that keeps killing workers ends in the dead letters.

    A lease that was renewed in the meantime is left alone.
    """
    lost = list(Job.everything.filter(state=JobState.RUNNING, lease_until__lt=now).values_list("pk", "fence"))
    message = _("the worker that had it stopped answering")
    count = 0
    for pk, fence in lost:
        outcome = JobOutcome(pk, fence, "crashed", code="worker-lost", message=message)
        count += _finish(outcome, now, is_second=True, only_lost=True) is not None
    return count


def _has_newer(job: Job) -> bool:
    """Whether a later job deals with the same thing. One key may order jobs of several (mail of a domain)."""
    later = Job.everything.filter(object_key=job.object_key, pk__gt=job.pk)
    return any(_thing(row) == _thing(job) for row in later.exclude(state=JobState.CANCELLED))


def _thing(job: Job) -> tuple[str, str]:
    """What a job works on: its driver, and what its spec is about."""
    driver = job.kind.rpartition(".")[0]
    try:
        return driver, JOB_KINDS[job.kind].about(decode(job.spec))
    except (KeyError, ContractError):
        return driver, job.spec


@transaction.atomic
def retry(job: Job, *, actor: Principal, now: datetime) -> None:
    """Try a failed, dead or cancelled job again. Refused when a newer job already dealt with its object."""
    job = Job.everything.select_for_update().get(pk=job.pk)
    if not job.may_retry:
        raise Refused(_("This job is not one that can be tried again."), code="job-not-ended")
    if _has_newer(job):
        raise Refused(
            _("A newer job has taken care of the same object since."),
            code="job-superseded",
            advice=_("Look at the newer job instead."),
        )
    before = job.state
    job.state, job.attempts, job.run_at, job.cancel_requested = JobState.QUEUED, 0, now, False
    job.finished_at = None
    job.save()
    JobLog.objects.create(job=job, at=now, level="info", text=_("Queued again by %s") % actor.label)
    audit.record("job.retried", job, actor=actor, now=now, before={"state": before})


@transaction.atomic
def cancel(job: Job, *, actor: Principal, now: datetime) -> None:
    """A queued job ends at once; a running one is asked to stop between two steps."""
    job = Job.everything.select_for_update().get(pk=job.pk)
    if job.state == JobState.QUEUED:
        job.state, job.finished_at = JobState.CANCELLED, now
        job.save(update_fields=["state", "finished_at"])
        JobLog.objects.create(job=job, at=now, level="info", text=_("Cancelled by %s") % actor.label)
        _tell_kind(job, JobOutcome(job.pk, job.fence, "cancelled", message=_("cancelled")), now)
    elif job.state == JobState.RUNNING:
        Job.everything.filter(pk=job.pk).update(cancel_requested=True)
    else:
        raise Refused(_("This job has already ended."), code="job-ended")
    audit.record("job.cancelled", job, actor=actor, now=now)


def cancel_asked(job_id: int, fence: int) -> bool:
    """Whether the current holder should stop: cancelling was asked for, or it holds the job no more."""
    mine = Job.everything.filter(pk=job_id, fence=fence, state=JobState.RUNNING, cancel_requested=False)
    return not mine.exists()


def with_fence(outcome: JobOutcome, envelope: JobEnvelope) -> JobOutcome:
    """The outcome under the try it belongs to (a stored outcome may be told again by a later try)."""
    return replace(outcome, job_id=envelope.job_id, fence=envelope.fence)
