"""How terms of plans are said."""

from __future__ import annotations

from decimal import Decimal

from django import template

from heliosphere.panel.catalog import wording
from heliosphere.panel.catalog.models import PlanPeriod
from heliosphere.panel.catalog.rules import PeriodTerms
from heliosphere.panel.look import shown

register = template.Library()


@register.filter
def percent(hundredths: int) -> str:
    """1050 as "10.5 %", nothing as a dash."""
    return f"{shown.number(float(Decimal(hundredths) / 100))} %" if hundredths else "–"


@register.filter
def period_words(period: PeriodTerms | PlanPeriod) -> str:
    """A period as people say it."""
    return wording.period_words(period.unit, period.size)
