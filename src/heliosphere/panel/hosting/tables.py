"""Tables of accounts and jobs."""

from __future__ import annotations

from typing import Any

import django_filters
import django_tables2 as tables
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.accounts.models import Account
from heliosphere.panel.look.lists import SearchFilter
from heliosphere.panel.look.tables import HelioTable, MomentColumn, MoneyColumn, StateColumn
from heliosphere.panel.look.templatetags.look import balance
from heliosphere.panel.platform.jobs.models import Job, JobState


class OwedColumn(MoneyColumn):
    """What is owed, or credit, in words; a bare minus leaves open who owes whom."""

    def __init__(self, **extra: object) -> None:
        super().__init__(currency="currency", **extra)

    def render(self, value: int, record: Account) -> str:
        return str(balance(-value, record.currency))


class AccountTable(HelioTable):
    id = tables.LinkColumn("hosting:account", args=[tables.A("pk")], verbose_name=_("Account"))
    user = tables.LinkColumn(
        "hosting:account",
        args=[tables.A("pk")],
        accessor="user__login",
        verbose_name=_("User"),
        attrs={"td": {"class": "h-main"}},
    )
    plan = tables.Column(accessor="plan__name", verbose_name=_("Plan"))
    period = tables.Column(verbose_name=_("Period"), orderable=False, attrs={"td": {"class": "h-nowrap"}})
    state = StateColumn(verbose_name=_("State"))
    owed_minor = OwedColumn(verbose_name=_("Balance"))
    created_at = MomentColumn(verbose_name=_("Opened"))

    empty_title = _("No accounts yet")
    empty_help = _("They appear here when customers sign up.")
    empty_icon = "accounts"
    empty_action = (_("Sign a customer up"), "signup:choose-plan")

    class Meta(HelioTable.Meta):
        model = Account
        fields = ("id", "user", "plan", "period", "state", "owed_minor", "created_at")


class AccountFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = SearchFilter("user__login", "user__email", "domains__name", "id")
    state = django_filters.ChoiceFilter(
        choices=[("active", _("Active")), ("suspended", _("Suspended"))], label=_("State")
    )

    class Meta:
        model = Account
        fields: tuple[str, ...] = ()

    @property
    def qs(self) -> object:
        return super().qs.distinct()


class JobTable(HelioTable):
    id = tables.LinkColumn("hosting:job", args=[tables.A("pk")], verbose_name=_("Job"))
    title = tables.LinkColumn(
        "hosting:job",
        args=[tables.A("pk")],
        verbose_name=_("What"),
        attrs={"td": {"class": "h-main h-break"}},
    )
    state = StateColumn(verbose_name=_("State"))
    node = tables.Column(verbose_name=_("Where"))
    attempts = tables.Column(
        verbose_name=_("Tries"), attrs={"td": {"class": "h-num"}, "th": {"class": "h-num"}}
    )
    created_at = MomentColumn(verbose_name=_("Queued"))

    empty_title = _("No background jobs")
    empty_help = _("Work on servers shows here while it runs and after it.")
    empty_icon = "jobs"

    class Meta(HelioTable.Meta):
        model = Job
        fields = ("id", "title", "state", "node", "attempts", "created_at")


class JobFilter(django_filters.FilterSet):  # type: ignore[misc]
    """What went well says nothing to staff: done notices show only when they are asked for."""

    NEEDS_A_PERSON = "stuck"

    q = SearchFilter("title", "object_key", "kind")
    state = django_filters.ChoiceFilter(
        choices=[(NEEDS_A_PERSON, _("needs a person")), *JobState.choices],
        label=_("State"),
        method="in_state",
    )

    class Meta:
        model = Job
        fields: tuple[str, ...] = ()

    def in_state(self, rows: QuerySet[Job], name: str, value: str) -> QuerySet[Job]:
        if value == self.NEEDS_A_PERSON:
            return rows.filter(state__in=(JobState.FAILED, JobState.DEAD))
        return rows.filter(state=value)

    @property
    def qs(self) -> Any:
        rows = super().qs
        asked = self.form.is_bound and any(self.form.data.get(name) for name in ("q", "state"))
        return rows if asked else rows.exclude(kind="notice.send", state=JobState.DONE)
