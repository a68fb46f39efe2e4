"""What the platform throws away when it is no longer needed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session

from heliosphere.panel.platform.jobs.kinds import question_kinds
from heliosphere.panel.platform.jobs.models import Job, JobState
from heliosphere.panel.platform.models import IdempotencyRecord

#: How long an answer is kept for a repeated idempotency key.
KEEP_ANSWERS = timedelta(days=7)
#: How long jobs that went well are kept with their logs. Failed ones stay until someone deals with them.
KEEP_DONE_JOBS = timedelta(days=90)
#: How long a question to a server is kept with its answer, however it ended.
KEEP_QUESTIONS = timedelta(days=1)


def forget(now: datetime) -> int:
    """Ended sessions, old answers, old done jobs. Safe to repeat; bounded per run."""
    sessions = Session.objects.filter(expire_date__lt=now).delete()[0]
    answers = IdempotencyRecord.objects.filter(created_at__lt=now - KEEP_ANSWERS).delete()[0]
    old = Job.everything.filter(state=JobState.DONE, finished_at__lt=now - KEEP_DONE_JOBS)
    jobs = Job.everything.filter(pk__in=list(old.values_list("pk", flat=True)[:5000])).delete()[0]
    return sessions + answers + jobs


def forget_questions(now: datetime) -> int:
    """Questions that were asked a while ago, with their answers."""
    old = Job.everything.filter(kind__in=question_kinds(), created_at__lt=now - KEEP_QUESTIONS)
    return Job.everything.filter(pk__in=list(old.values_list("pk", flat=True)[:5000])).delete()[0]
