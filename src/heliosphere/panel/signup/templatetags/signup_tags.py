"""How a signup's bill and answers are said."""

from __future__ import annotations

from django import template

from heliosphere.panel.billing import wording
from heliosphere.panel.billing.rules.charges import ChargeLine
from heliosphere.panel.billing.rules.taxes import TaxLine
from heliosphere.panel.domains import rules as names
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.signup import queries
from heliosphere.panel.signup.forms import PAYMENT_LABELS

register = template.Library()


@register.simple_tag
def waiting_signups(actor: Principal) -> int:
    """How many signups wait for the staff who look."""
    return queries.moderated(actor).count()


@register.filter
def line_text(line: ChargeLine) -> str:
    return wording.line_text(line.kind, line.resource)


@register.filter
def line_period(line: ChargeLine) -> str:
    return wording.period_text(line.begin, line.end)


@register.filter
def tax_text(tax: TaxLine) -> str:
    return wording.tax_text(tax.description, tax.rate_ppm)


@register.filter
def domain_shown(name: str) -> str:
    """The Unicode form of a name."""
    return names.shown(name)


@register.filter
def payment_word(kind: str) -> str:
    return str(PAYMENT_LABELS.get(kind, kind))
