"""Writes of the catalogue: plans and their terms, and what accounts hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from heliosphere.panel.accounts.models import Account, Provider
from heliosphere.panel.catalog import queries, rules
from heliosphere.panel.catalog.models import Plan, PlanPeriod, PlanResource, ResourceUse
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES
from heliosphere.panel.catalog.rules import PeriodTerms, ResourceTerms
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.principal import Principal


@transaction.atomic
def create_plan(
    *,
    provider: Provider,
    name: str,
    description: str = "",
    access: str,
    billing_type: str,
    credit_limit_minor: int,
    resources: Sequence[ResourceTerms],
    periods: Sequence[PeriodTerms],
    actor: Principal,
    now: datetime,
) -> Plan:
    """A new plan, off for signup. Raises Refused on the field to change."""
    _check_terms(resources, periods, credit_limit_minor)
    plan = Plan(
        provider=provider,
        name=_free_name(name, provider),
        description=description,
        access=access,
        billing_type=billing_type,
        currency=provider.currency,
        credit_limit_minor=credit_limit_minor,
        created_at=now,
    )
    plan.save(force_insert=True)
    _write_terms(plan, resources, periods)
    audit.record("plan.created", plan, actor=actor, now=now, after=describe(plan))
    return plan


@transaction.atomic
def change_plan(
    plan: Plan,
    *,
    name: str,
    description: str,
    access: str,
    credit_limit_minor: int,
    resources: Sequence[ResourceTerms],
    periods: Sequence[PeriodTerms],
    actor: Principal,
    now: datetime,
) -> Plan:
    """Change what the plan sells from now on. Periods that accounts use stay; new ones may come."""
    plan = Plan.objects.locked(actor, pk=plan.pk)
    before = describe(plan)
    _check_terms(resources, periods, credit_limit_minor)
    if name.strip() != plan.name:
        plan.name = _free_name(name, plan.provider)
    plan.description, plan.access, plan.credit_limit_minor = description, access, credit_limit_minor
    plan.save()
    plan.resources.all().delete()
    _write_resources(plan, resources)
    _change_periods(plan, periods)
    audit.record("plan.changed", plan, actor=actor, now=now, before=before, after=describe(plan))
    return plan


def _free_name(name: str, provider: Provider) -> str:
    name = name.strip()
    if not name:
        raise Refused(_("Give the plan a name."), code="plan-name-empty", field="name")
    if Plan.everything.filter(provider=provider, name=name, deleted_at__isnull=True).exists():
        raise Refused(_("You have a plan with this name already."), code="plan-name-taken", field="name")
    return name


def _check_terms(
    resources: Sequence[ResourceTerms], periods: Sequence[PeriodTerms], credit_limit_minor: int
) -> None:
    if credit_limit_minor < 0:
        raise Refused(_("The credit limit cannot be negative."), code="negative", field="credit_limit")
    if not periods:
        raise Refused(_("A plan needs at least one billing period."), code="no-period", field="periods")
    for terms in resources:
        _check_resource(terms)
    for period in periods:
        _check_period(period)
    if len({(period.unit, period.size) for period in periods}) != len(periods):
        raise Refused(_("Two billing periods are the same."), code="period-twice", field="periods")


def _check_resource(terms: ResourceTerms) -> None:
    if terms.type not in RESOURCE_TYPES:
        text = _("There is no resource called “%s”.") % terms.type
        raise Refused(text, code="unknown-resource", field="resources")
    if min(terms.setup_minor, terms.recurrent_minor, terms.usage_minor, terms.free_units) < 0:
        raise Refused(
            _("%s: prices and free units cannot be negative.") % RESOURCE_TYPES[terms.type].label,
            code="negative",
            field=f"resource-{terms.type}",
        )
    if terms.max_units is not None and terms.max_units < terms.free_units:
        raise Refused(
            _("%s: the maximum is below the free units.") % RESOURCE_TYPES[terms.type].label,
            code="max-below-free",
            field=f"resource-{terms.type}",
        )


def _check_period(period: PeriodTerms) -> None:
    if period.unit not in rules.LONGEST or not 1 <= period.size <= rules.LONGEST[period.unit]:
        raise Refused(_("This billing period is not possible."), code="period-bounds", field="periods")
    discounts = (period.setup_discount, period.recurrent_discount, period.usage_discount)
    if not all(0 <= discount <= 10000 for discount in discounts):
        raise Refused(_("A discount is between 0 and 100 %."), code="discount-bounds", field="periods")


def _write_terms(plan: Plan, resources: Sequence[ResourceTerms], periods: Sequence[PeriodTerms]) -> None:
    _write_resources(plan, resources)
    PlanPeriod.objects.bulk_create([_period_row(plan, period) for period in periods])


def _write_resources(plan: Plan, resources: Sequence[ResourceTerms]) -> None:
    PlanResource.objects.bulk_create(
        [
            PlanResource(
                plan=plan,
                type=terms.type,
                activated=terms.activated,
                setup_minor=terms.setup_minor,
                recurrent_minor=terms.recurrent_minor,
                usage_minor=terms.usage_minor,
                free_units=terms.free_units,
                max_units=terms.max_units,
            )
            for terms in resources
        ]
    )


def _period_row(plan: Plan, period: PeriodTerms) -> PlanPeriod:
    return PlanPeriod(
        plan=plan,
        unit=period.unit,
        size=period.size,
        setup_discount=period.setup_discount,
        recurrent_discount=period.recurrent_discount,
        usage_discount=period.usage_discount,
    )


def _change_periods(plan: Plan, periods: Sequence[PeriodTerms]) -> None:
    wanted = {(period.unit, period.size): period for period in periods}
    for row in plan.periods.all():
        period = wanted.pop((row.unit, row.size), None)
        if period is not None:
            row.setup_discount = period.setup_discount
            row.recurrent_discount = period.recurrent_discount
            row.usage_discount = period.usage_discount
            row.save()
        elif Account.everything.filter(period=row).exists():
            text = _("Accounts use the period “%s”; it cannot be taken away.") % row
            raise Refused(text, code="period-in-use", field="periods")
        else:
            row.delete()
    PlanPeriod.objects.bulk_create([_period_row(plan, period) for period in wanted.values()])


def describe(plan: Plan) -> dict[str, object]:
    """The plan as JSON-ready values, for the audit trail."""
    return {
        "name": plan.name,
        "access": plan.access,
        "signup_on": plan.signup_on,
        "credit_limit_minor": plan.credit_limit_minor,
        "resources": {row.type: [row.setup_minor, row.recurrent_minor, row.usage_minor, row.free_units,
                                 row.max_units, row.activated] for row in plan.resources.all()},
        "periods": [[row.unit, row.size, row.setup_discount, row.recurrent_discount, row.usage_discount]
                    for row in plan.periods.all()],
    }  # fmt: skip


@transaction.atomic
def set_signup(plan: Plan, on: bool, *, actor: Principal, now: datetime) -> None:
    """Open or close the plan for new accounts. The same again changes nothing."""
    plan = Plan.objects.locked(actor, pk=plan.pk)
    if plan.signup_on != on:
        plan.signup_on = on
        plan.save(update_fields=["signup_on"])
        audit.record("plan.signup-opened" if on else "plan.signup-closed", plan, actor=actor, now=now)


@transaction.atomic
def delete_plan(plan: Plan, *, actor: Principal, now: datetime) -> None:
    """Only a plan that no account uses. It stays in the books of old invoices."""
    plan = Plan.objects.locked(actor, pk=plan.pk)
    if plan.accounts.exclude(state="deleted").exists():
        raise Refused(
            _("Accounts use this plan."),
            code="plan-in-use",
            advice=_("Move or delete those accounts first, or close the plan for signup."),
        )
    plan.deleted_at, plan.signup_on = now, False
    plan.save(update_fields=["deleted_at", "signup_on"])
    audit.record("plan.deleted", plan, actor=actor, now=now)


@transaction.atomic
def hold_units(account: Account, type_name: str, more: int) -> int:
    """Take `more` units of a resource for an account within its plan's limit; returns what it holds now.

    A negative number gives units back. The row is locked, so that two requests cannot pass the limit
    together.
    """
    if account.plan is None:
        raise Refused(_("This account has no plan."), code="no-plan")
    terms = queries.terms_of(account.plan).get(type_name)
    try:
        with transaction.atomic():
            ResourceUse.everything.get_or_create(
                account=account, type=type_name, defaults={"provider_id": account.provider_id}
            )
    except IntegrityError:
        pass  # another request made the row at the same moment
    row = ResourceUse.everything.select_for_update().get(account=account, type=type_name)
    reason = rules.why_no_more(terms, row.units, more) if more > 0 else None
    label = RESOURCE_TYPES[type_name].label
    if reason == "not-included":
        raise Refused(_("Your plan does not include: %s.") % label, code="not-included")
    if reason == "limit" and terms is not None:
        raise Refused(
            _("%(what)s: your plan allows %(limit)d, and %(held)d are in use.")
            % {"what": label, "limit": terms.max_units or 0, "held": row.units},
            code="limit-reached",
            advice=_("Remove some, or move to a larger plan."),
        )
    row.units = max(0, row.units + more)
    row.save(update_fields=["units"])
    return row.units
