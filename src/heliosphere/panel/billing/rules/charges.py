"""What a customer is charged, as lines. Prices come as minor units for one month; see docs/billing.md.

Each line is rounded once. Periods are half-open: the first day is in, the end day is out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from heliosphere.panel.catalog.rules import PeriodTerms, ResourceTerms, period_end
from heliosphere.panel.platform.money import round_minor

LineKind = Literal["setup", "recurrent", "usage", "refund", "debit", "credit"]


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of a bill: what for, how many units are charged, the net amount in minor units."""

    kind: LineKind
    resource: str
    units: int
    amount_minor: int
    begin: date
    end: date


def _after_discount(exact: Decimal, hundredths: int) -> int:
    return round_minor(exact * (Decimal(10000 - hundredths) / Decimal(10000)))


def signup_lines(
    terms: Mapping[str, ResourceTerms], units: Mapping[str, int], period: PeriodTerms, begin: date
) -> list[ChargeLine]:
    """Setup fees, and recurrent fees of the first whole period, of everything switched on at signup."""
    end = period_end(begin, period)
    lines: list[ChargeLine] = []
    for name, resource in terms.items():
        billable = resource.billable(units.get(name, 0))
        lines += _lines(resource, billable, period, Decimal(1), begin, end)
    return lines


def purchase_lines(
    resource: ResourceTerms,
    *,
    held: int,
    more: int,
    period: PeriodTerms,
    period_begin: date,
    period_stop: date,
    today: date,
) -> list[ChargeLine]:
    """Buying units in the middle of a period: full setup, recurrent for the days left (today counts)."""
    billable = resource.billable(held + more) - resource.billable(held)
    days = (period_stop - period_begin).days
    left = min(max((period_stop - today).days, 0), days)
    share = Decimal(left) / Decimal(days) if days else Decimal(0)
    return _lines(resource, billable, period, share, today, period_stop)


def _lines(
    resource: ResourceTerms, billable: int, period: PeriodTerms, share: Decimal, begin: date, end: date
) -> list[ChargeLine]:
    setup = _after_discount(Decimal(resource.setup_minor * billable), period.setup_discount)
    recurrent = _after_discount(
        Decimal(resource.recurrent_minor * billable) * period.months * share, period.recurrent_discount
    )
    lines: list[ChargeLine] = []
    if setup:
        lines.append(ChargeLine("setup", resource.type, billable, setup, begin, begin))
    if recurrent:
        lines.append(ChargeLine("recurrent", resource.type, billable, recurrent, begin, end))
    return lines
