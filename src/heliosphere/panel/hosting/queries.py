"""Reads about accounts as a whole, for pages and the API."""

from __future__ import annotations

from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from heliosphere.panel.accounts.models import Account, AccountKind
from heliosphere.panel.billing.models import BookKind, Posting
from heliosphere.panel.mail.server.queries import mail_servers
from heliosphere.panel.platform.jobs.kinds import question_kinds
from heliosphere.panel.platform.jobs.models import Job, JobGroup, JobState
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.servers.models import LogicalServer


def customer_accounts(actor: Principal) -> QuerySet[Account]:
    """Customer accounts with user, plan, first domain's name and what they owe (`owed_minor`)."""
    owed = (
        Posting.objects.filter(book__account=OuterRef("pk"), book__kind=BookKind.CUSTOMER)
        .values("book__account")
        .annotate(n=Sum("amount_minor"))
        .values("n")
    )
    rows = Account.objects.of(actor).filter(kind=AccountKind.USER).exclude(state="deleted")
    return (
        rows.select_related("user", "plan", "period")
        .annotate(owed_minor=Coalesce(Subquery(owed, output_field=BigIntegerField()), 0))
        .order_by("-id")
    )


def jobs(actor: Principal) -> QuerySet[Job]:
    """Work on servers, newest first. Questions to servers are none."""
    rows = Job.objects.of(actor).exclude(kind__in=question_kinds())
    return rows.select_related("group").order_by("-id")


def trouble_count(actor: Principal) -> int:
    """Jobs that wait for a person."""
    return jobs(actor).filter(state__in=(JobState.FAILED, JobState.DEAD)).count()


def mail_troubles(actor: Principal) -> list[LogicalServer]:
    """Mail servers with settings they cannot use or that cannot be read; staff of the owner see them."""
    if actor.role != "owner":
        return []
    in_order = Q(physical__mail_state__bad_count=0, physical__mail_state__trouble="")
    rows = mail_servers().filter(physical__mail_state__isnull=False).exclude(in_order)
    return list(rows[:10])


def newest_groups(account: Account, limit: int = 5) -> list[JobGroup]:
    return list(JobGroup.everything.filter(account_id=account.pk).order_by("-id")[:limit])


def open_jobs(account_id: int) -> QuerySet[Job]:
    """Jobs of an account that are not at their end, or that need a person."""
    open_or_stuck = Q(state__in=(JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.DEAD))
    rows = Job.everything.filter(open_or_stuck, account_id=account_id)
    return rows.exclude(kind__in=question_kinds()).order_by("id")
