"""How invoices say their periods and rates."""

from __future__ import annotations

from datetime import date

from django import template

from heliosphere.panel.billing import wording
from heliosphere.panel.billing.models import InvoiceTax
from heliosphere.panel.look import shown

register = template.Library()


@register.simple_tag
def period_of(begin: date, end: date) -> str:
    return wording.period_text(begin, end)


@register.filter
def per_cent(rate_ppm: int) -> str:
    """190000 as "19 %": exact, a tax rate is never rounded."""
    return wording.rate_text(rate_ppm)


@register.filter
def tax_text(tax: InvoiceTax) -> str:
    """A tax on paper."""
    return wording.tax_text(tax.description, tax.rate_ppm)


@register.filter
def amount(minor: int, currency: str) -> str:
    """Money without markup, for paper."""
    return shown.amount(minor, currency)


@register.filter
def country_name(code: str) -> str:
    """A country in the viewer's language; the code where it is not known."""
    return str(shown.locale().territories.get(code, code))
