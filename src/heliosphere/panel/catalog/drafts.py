"""A plan being made or changed, as plain values in the session: step by step, back without loss."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from heliosphere.panel.catalog.forms import PeriodsForm
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure
from heliosphere.panel.catalog.rules import PeriodTerms, ResourceTerms

Draft = dict[str, dict[str, Any]]
STEPS = ("basics", "resources", "prices", "periods", "review")


def to_session(values: dict[str, Any]) -> dict[str, Any]:
    """Cleaned form values as JSON keeps them."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def included(draft: Draft) -> list[str]:
    """Names of the included resource types, in declared order."""
    chosen = draft.get("resources", {})
    return [kind.name for kind in RESOURCE_TYPES if chosen.get(f"include_{kind.name}")]


def missing_step(draft: Draft) -> str | None:
    """The first step not filled in yet."""
    return next((step for step in STEPS[:-1] if step not in draft), None)


def resources(draft: Draft) -> list[ResourceTerms]:
    """What the draft says about resources, as the catalogue's values."""
    return [_terms(draft, name) for name in included(draft)]


def _terms(draft: Draft, name: str) -> ResourceTerms:
    prices = draft["prices"]
    return ResourceTerms(
        type=name,
        setup_minor=prices.get(f"setup_{name}") or 0,
        recurrent_minor=prices.get(f"recurrent_{name}") or 0,
        usage_minor=prices.get(f"usage_{name}") or 0,
        free_units=prices.get(f"free_{name}") or 0,
        max_units=prices.get(f"max_{name}"),
        activated=bool(draft["resources"].get(f"activate_{name}")),
        is_switch=RESOURCE_TYPES[name].measure == Measure.SWITCH,
    )


def periods(draft: Draft) -> list[PeriodTerms]:
    """The billing periods of the draft; discounts typed in per cent, kept in hundredths."""
    values = draft["periods"]
    return [
        PeriodTerms(
            values[f"unit_{row}"],
            values[f"size_{row}"],
            *(_hundredths(values.get(f"{part}_discount_{row}")) for part in ("setup", "recurrent", "usage")),
        )
        for row in range(PeriodsForm.ROWS)
        if values.get(f"unit_{row}")
    ]


def _hundredths(percent: Any) -> int:
    return int(Decimal(str(percent)) * 100) if percent not in (None, "") else 0


def from_plan(plan: Plan) -> Draft:
    """The draft that would make this plan again, to change it."""
    draft: Draft = {"basics": {}, "resources": {}, "prices": {}, "periods": {}}
    draft["basics"] = {
        "name": plan.name,
        "description": plan.description,
        "access": plan.access,
        "billing_type": plan.billing_type,
        "credit_limit": plan.credit_limit_minor,
    }
    for row in plan.resources.all():
        draft["resources"] |= {f"include_{row.type}": row.included, f"activate_{row.type}": row.activated}
        draft["prices"] |= {
            f"setup_{row.type}": row.setup_minor,
            f"recurrent_{row.type}": row.recurrent_minor,
            f"usage_{row.type}": row.usage_minor,
            f"free_{row.type}": row.free_units,
            f"max_{row.type}": row.max_units,
        }
    for place, period in enumerate(plan.periods.all()[: PeriodsForm.ROWS]):
        draft["periods"] |= {
            f"unit_{place}": period.unit,
            f"size_{place}": period.size,
            f"setup_discount_{place}": str(Decimal(period.setup_discount) / 100),
            f"recurrent_discount_{place}": str(Decimal(period.recurrent_discount) / 100),
            f"usage_discount_{place}": str(Decimal(period.usage_discount) / 100),
        }
    return draft
