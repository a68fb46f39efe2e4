"""What an account costs at signup: the preview a visitor sees and the document that is booked."""

from __future__ import annotations

from datetime import date

from heliosphere.panel.billing import queries as billing
from heliosphere.panel.billing.rules.charges import signup_lines
from heliosphere.panel.billing.rules.taxes import Document, document
from heliosphere.panel.catalog import queries as catalog
from heliosphere.panel.catalog.models import BillingType, Plan, PlanPeriod
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES

#: Resources that only a domain brings.
DOMAIN_RESOURCES = frozenset({"dns_zone", "web_site", "mail_domain"})


def signup_units(plan: Plan, *, with_domain: bool) -> dict[str, int]:
    """Units of each resource that are switched on at signup."""
    return {
        name: RESOURCE_TYPES[name].signup_units
        for name, terms in catalog.terms_of(plan).items()
        if terms.activated and (with_domain or name not in DOMAIN_RESOURCES)
    }


def signup_document(
    plan: Plan, period: PlanPeriod, *, with_domain: bool, country: str, today: date
) -> Document:
    """The first bill of a new account. A plan without billing has an empty one."""
    if plan.billing_type == BillingType.FREE:
        return Document((), ())
    units = signup_units(plan, with_domain=with_domain)
    lines = signup_lines(catalog.terms_of(plan), units, catalog.period_terms(period), today)
    return document(lines, billing.tax_rules(plan.provider), country)
