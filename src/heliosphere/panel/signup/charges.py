"""What the public pages say about prices; the figures come from the same function as the bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from heliosphere.panel.catalog.models import BillingType, Plan, PlanPeriod
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure
from heliosphere.panel.hosting.charges import signup_document


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
        if row.max_units is not None and row.max_units > row.free_units:
            text = _("%(what)s: %(free)d included, up to %(most)d")
            lines.append(text % {"what": kind.label, "free": row.free_units, "most": row.max_units})
        else:
            lines.append(_("%(what)s: %(free)d included") % {"what": kind.label, "free": row.free_units})
    return lines


def period_choices(plan: Plan) -> list[tuple[int, str]]:
    """The billing periods with their discounts in words."""
    choices = []
    for period in plan.periods.all():
        text = str(period)
        if period.recurrent_discount:
            text = _("%(period)s, %(off)g %% off the recurrent fees") % {
                "period": text,
                "off": period.recurrent_discount / 100,
            }
        choices.append((period.pk, text))
    return choices
