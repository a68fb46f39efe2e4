"""Jobs as people watch them: the list, one job, and the group of jobs behind one act."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from heliosphere.panel.accounts.doors import PanelRequest, signed_in, staff_only
from heliosphere.panel.hosting import queries
from heliosphere.panel.hosting.tables import JobFilter, JobTable
from heliosphere.panel.look.lists import ListPage
from heliosphere.panel.look.parts import Crumb, LogLine, Step, StepState
from heliosphere.panel.platform.jobs import queue
from heliosphere.panel.platform.jobs.models import Job, JobGroup, JobLog, JobState

_STEP_STATES: dict[JobState, StepState] = {
    JobState.QUEUED: "todo",
    JobState.RUNNING: "current",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.DEAD: "failed",
    JobState.CANCELLED: "cancelled",
}
_WORST_FIRST = (
    JobState.DEAD,
    JobState.FAILED,
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.CANCELLED,
    JobState.DONE,
)


@method_decorator(staff_only, name="dispatch")
class JobList(ListPage):
    title = gettext_lazy("Background jobs")
    table_class = JobTable
    filterset_class = JobFilter

    def get_queryset(self) -> Any:
        return queries.jobs(self.request.principal)


@signed_in
def group(request: PanelRequest, pk: int) -> HttpResponse:
    """The jobs of one act, live. Reached by htmx it is only the moving part."""
    row = JobGroup.objects.one(request.principal, pk=pk)
    jobs = list(row.jobs.order_by("id"))
    context = _live(jobs, reverse("hosting:group", args=[pk])) | {
        "title": row.title,
        "group": row,
        "retry_url": _retry_url(jobs),
        "home_url": _after_url(request, row),
        "log": _log(jobs),
    }
    return _answer(request, context)


@signed_in
def job(request: PanelRequest, pk: int) -> HttpResponse:
    """One job with its log."""
    row = Job.objects.one(request.principal, pk=pk)
    context = _live([row], reverse("hosting:job", args=[pk])) | {
        "title": row.title,
        "job": row,
        "retry_url": _retry_url([row]),
        "may_cancel": row.is_open,
        "log": _log([row]),
        "log_open": True,
        "breadcrumbs": [Crumb(_("Background jobs"), reverse("hosting:jobs"))]
        if request.principal.is_staff
        else None,
    }
    return _answer(request, context)


def _answer(request: PanelRequest, context: dict[str, Any]) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return render(request, "look/parts/job_live.html", context)
    return render(request, "hosting/jobs_live.html", context)


def _live(jobs: list[Job], url: str) -> dict[str, Any]:
    """What the live part draws: the worst state counts, steps of running jobs move the bar."""
    states = [JobState(row.state) for row in jobs]
    overall = next((state for state in _WORST_FIRST if state in states), JobState.DONE)
    done, total = _progress(jobs)
    stuck = next((row for row in jobs if row.state in (JobState.FAILED, JobState.DEAD)), None)
    now_doing = next((row.title for row in jobs if row.state == JobState.RUNNING), "")
    return {
        "state": "failed" if overall == JobState.DEAD else overall,
        "job_title": _headline(overall),
        "done": done,
        "total": total,
        "now_doing": now_doing,
        "steps": [_step(row, alone=len(jobs) == 1) for row in jobs],
        "poll_url": url if any(row.is_open for row in jobs) else "",
        "failure": stuck.message if stuck else "",
        "advice": (stuck.advice or _("Try again; if it fails again, look at the log below."))
        if stuck
        else "",
    }


def _step(row: Job, *, alone: bool) -> Step:
    """A job as a line of its group; one that is stuck leads to its own page."""
    url = "" if alone or row.is_open or row.state == JobState.DONE else reverse("hosting:job", args=[row.pk])
    note = "" if alone and not row.is_open else _note(row)
    return Step(row.title, _STEP_STATES[JobState(row.state)], url, note)


def _headline(state: JobState) -> str:
    words = {
        JobState.DONE: _("All done"),
        JobState.RUNNING: _("Working"),
        JobState.QUEUED: _("Waiting to start"),
        JobState.FAILED: _("A step failed: someone has to look"),
        JobState.DEAD: _("A step was tried many times and given up"),
        JobState.CANCELLED: _("Cancelled"),
    }
    return words[state]


def _progress(jobs: list[Job]) -> tuple[int, int]:
    """In tenths of jobs, so that a long job's own steps move the bar."""
    done = 0
    for row in jobs:
        if row.state == JobState.DONE:
            done += 10
        elif row.steps:
            done += 10 * min(row.step, row.steps) // row.steps
    return done, 10 * len(jobs)


def _note(row: Job) -> str:
    if row.state == JobState.QUEUED and row.attempts:
        return _("try %(count)d failed: %(why)s") % {"count": row.attempts, "why": row.message}
    if row.state in (JobState.FAILED, JobState.DEAD):
        return f"{row.message} {row.advice}".strip()
    return ""


def _log(jobs: list[Job]) -> list[LogLine]:
    rows = JobLog.objects.filter(job__in=jobs).order_by("id")[:500]
    return [LogLine(row.at, row.text, row.level) for row in rows]  # type: ignore[arg-type]


def _retry_url(jobs: list[Job]) -> str:
    stuck = next((row for row in jobs if row.may_retry), None)
    return reverse("hosting:job-retry", args=[stuck.pk]) if stuck else ""


def _after_url(request: PanelRequest, row: JobGroup) -> str:
    if request.principal.is_staff and row.account_id:
        return reverse("hosting:account", args=[row.account_id])
    return reverse("home")


@signed_in
@require_POST
def retry(request: PanelRequest, pk: int) -> HttpResponse:
    row = Job.objects.one(request.principal, pk=pk)
    queue.retry(row, actor=request.principal, now=request.clock())
    messages.success(request, _("Queued again."))
    return redirect("hosting:group", row.group_id) if row.group_id else redirect("hosting:job", pk)


@staff_only
@require_POST
def cancel(request: PanelRequest, pk: int) -> HttpResponse:
    row = Job.objects.one(request.principal, pk=pk)
    queue.cancel(row, actor=request.principal, now=request.clock())
    messages.success(request, _("The job is cancelled, or stops after its current step."))
    return redirect("hosting:job", pk)
