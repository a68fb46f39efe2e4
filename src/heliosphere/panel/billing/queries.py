"""Reads about money."""

from __future__ import annotations

from django.db.models import QuerySet

from heliosphere.panel.accounts.models import Account, ContactInfo, Provider
from heliosphere.panel.billing.models import Entry, Invoice, Payment, Tax
from heliosphere.panel.billing.rules.taxes import TaxRule
from heliosphere.panel.platform.principal import Principal


def tax_rules(provider: Provider) -> list[TaxRule]:
    """The provider's taxes, oldest first."""
    return [
        TaxRule(row.description, row.rate_ppm, row.country, row.inside_country)
        for row in Tax.everything.filter(provider=provider).order_by("pk")
    ]


def invoices(actor: Principal) -> QuerySet[Invoice]:
    return Invoice.objects.of(actor).select_related("account__user").order_by("-number")


def payments_of(account: Account) -> QuerySet[Payment]:
    return Payment.everything.filter(account=account).order_by("-pk")


def entries_of(account: Account) -> QuerySet[Entry]:
    return Entry.everything.filter(account=account).prefetch_related("postings__book").order_by("-pk")


def contact_of(account: Account) -> ContactInfo | None:
    """The contact in force: the newest."""
    return ContactInfo.everything.filter(account=account).order_by("-pk").first()
