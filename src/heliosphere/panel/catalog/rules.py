"""Plans as plain values, and periods. Pure."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

#: The longest periods a plan may have, in their units.
LONGEST = {"day": 3650, "week": 520, "month": 120, "year": 10}


@dataclass(frozen=True, slots=True)
class ResourceTerms:
    """Prices of one resource for one month, in minor units per unit."""

    type: str
    setup_minor: int = 0
    recurrent_minor: int = 0
    usage_minor: int = 0
    free_units: int = 0
    max_units: int | None = None
    activated: bool = True
    is_switch: bool = False

    def billable(self, units: int) -> int:
        """Units over the free ones; free units do not apply to a switch."""
        return units if self.is_switch else max(0, units - self.free_units)


@dataclass(frozen=True, slots=True)
class PeriodTerms:
    """A billing period: unit, size, discounts in hundredths of a per cent."""

    unit: str
    size: int
    setup_discount: int = 0
    recurrent_discount: int = 0
    usage_discount: int = 0

    @property
    def months(self) -> Decimal:
        """Length in months of the base price: days count as thirtieths (product facts, 18.3)."""
        if self.unit == "year":
            return Decimal(12 * self.size)
        if self.unit == "month":
            return Decimal(self.size)
        days = self.size * (7 if self.unit == "week" else 1)
        return Decimal(days) / Decimal(30)


def add_months(start: date, months: int) -> date:
    """Counted from the start, never chained: 31 Jan plus 1 is 28 Feb, plus 2 is 31 Mar."""
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last))


def period_end(anchor: date, period: PeriodTerms, count: int = 1) -> date:
    """The day after the last day of the `count`-th period from `anchor` (half-open)."""
    if period.unit == "day":
        return anchor + timedelta(days=period.size * count)
    if period.unit == "week":
        return anchor + timedelta(weeks=period.size * count)
    months = period.size * (12 if period.unit == "year" else 1)
    return add_months(anchor, months * count)


def why_no_more(terms: ResourceTerms | None, held: int, wanted: int) -> str | None:
    """A reason code when `wanted` more units may not be had: "not-included" or "limit"."""
    if terms is None:
        return "not-included"
    if terms.max_units is not None and held + wanted > terms.max_units:
        return "limit"
    return None
