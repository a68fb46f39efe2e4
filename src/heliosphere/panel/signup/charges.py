"""What the public pages say about prices; the figures come from the same function as the bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from heliosphere.panel.catalog.models import BillingType, Plan, PlanPeriod
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure
from heliosphere.panel.hosting.charges import signup_document
from heliosphere.panel.look import shown


@dataclass(frozen=True, slots=True)
class PlanCard:
    """A plan in the public list: net price of its cheapest first bill, and what is in it."""

    plan: Plan
    period: PlanPeriod | None
    net_minor: int | None
    features: tuple[str, ...]


def plan_from(plan: Plan, today: date) -> PlanCard:
    """The card of a plan, priced for its first period with a domain."""
    period = next(iter(plan.periods.all()), None)
    net = None
    if period is not None and plan.billing_type == BillingType.PAID:
        net = signup_document(plan, period, with_domain=True, country="", today=today).subtotal_minor
    return PlanCard(plan, period, net, tuple(_features(plan)))


def _features(plan: Plan) -> list[str]:
    lines = []
    for row in plan.resources.all():
        kind = RESOURCE_TYPES.get(row.type)
        if kind is None or not row.included or kind.measure == Measure.SWITCH:
            continue
        what = kind.plural or kind.label
        if row.max_units is not None and row.max_units > row.free_units:
            text = _("%(what)s: %(free)d included, up to %(most)d")
            lines.append(text % {"what": what, "free": row.free_units, "most": row.max_units})
        else:
            lines.append(_("%(what)s: %(free)d included") % {"what": what, "free": row.free_units})
    return lines


def period_choices(plan: Plan, today: date) -> list[tuple[int, str]]:
    """The billing periods with the net sum of their first bill, and their discounts in words."""
    return [(period.pk, _period_text(plan, period, today)) for period in plan.periods.all()]


def _period_text(plan: Plan, period: PlanPeriod, today: date) -> str:
    text = str(period)
    if plan.billing_type == BillingType.PAID:
        net = signup_document(plan, period, with_domain=True, country="", today=today).subtotal_minor
        text = _("%(period)s: %(sum)s net") % {"period": text, "sum": shown.amount(net, plan.currency)}
    if period.recurrent_discount:
        off = shown.number(period.recurrent_discount / 100)
        text = _("%(period)s, %(off)s %% off the recurrent fees") % {"period": text, "off": off}
    return text
