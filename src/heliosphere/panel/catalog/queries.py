"""Reads of the catalogue."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from heliosphere.panel.accounts.models import Account, Provider
from heliosphere.panel.catalog.models import Access, Plan, PlanPeriod, PlanResource, ResourceUse
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure
from heliosphere.panel.catalog.rules import PeriodTerms, ResourceTerms
from heliosphere.panel.platform.principal import Principal


def plans(actor: Principal) -> QuerySet[Plan]:
    """Plans of the provider, with how many accounts use each."""
    live = Count("accounts", filter=~Q(accounts__state="deleted"))
    return (
        Plan.objects.of(actor).filter(deleted_at__isnull=True).annotate(account_count=live).order_by("name")
    )


def plans_for_signup(provider: Provider, *, by_staff: bool) -> QuerySet[Plan]:
    """Plans open now: the closed ones only for staff who sign a customer up."""
    rows = Plan.everything.filter(provider=provider, signup_on=True, deleted_at__isnull=True)
    return (rows if by_staff else rows.filter(access=Access.PUBLIC)).order_by("name")


def plan_called(plan_id: int) -> Plan | None:
    """A plan by its number, for the public door; whether it is open is the signup's question."""
    return Plan.everything.select_related("provider").filter(pk=plan_id, deleted_at__isnull=True).first()


def terms_of(plan: Plan) -> dict[str, ResourceTerms]:
    """The included resources by type, in the order they are declared."""
    rows = {row.type: row for row in plan.resources.all() if row.included}
    return {kind.name: _terms(rows[kind.name]) for kind in RESOURCE_TYPES if kind.name in rows}


def _terms(row: PlanResource) -> ResourceTerms:
    return ResourceTerms(
        type=row.type,
        setup_minor=row.setup_minor,
        recurrent_minor=row.recurrent_minor,
        usage_minor=row.usage_minor,
        free_units=row.free_units,
        max_units=row.max_units,
        activated=row.activated,
        is_switch=RESOURCE_TYPES[row.type].measure == Measure.SWITCH,
    )


def period_terms(period: PlanPeriod) -> PeriodTerms:
    return PeriodTerms(
        period.unit,
        period.size,
        period.setup_discount,
        period.recurrent_discount,
        period.usage_discount,
    )


def units_held(account: Account, type_name: str) -> int:
    """Units the account holds now."""
    row = ResourceUse.everything.filter(account=account, type=type_name).first()
    return row.units if row else 0
