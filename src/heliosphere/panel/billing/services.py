"""Writes about money: invoices, payments, credits. Every one is safe to repeat."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from heliosphere.panel.accounts.models import Account, ContactInfo, Provider
from heliosphere.panel.billing import ledger, queries, wording
from heliosphere.panel.billing.models import (
    BookKind,
    Invoice,
    InvoiceCounter,
    InvoiceLine,
    InvoiceTax,
    Payment,
    PaymentMethod,
    Tax,
)
from heliosphere.panel.billing.rules import charges, taxes
from heliosphere.panel.billing.rules.settling import settled
from heliosphere.panel.catalog import queries as catalog
from heliosphere.panel.catalog import services as catalog_services
from heliosphere.panel.catalog.models import BillingType
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import NotYours, Refused
from heliosphere.panel.platform.principal import Principal


@transaction.atomic
def issue_invoice(
    account: Account, document: taxes.Document, *, today: date, key: str, actor: Principal, now: datetime
) -> Invoice | None:
    """Number and book a bill; nothing to charge, no invoice. `key` names the reason: same key, same bill."""
    if not document.lines:
        return None
    entry_key = f"invoice:{account.pk}:{key}"
    counter = _locked_counter(account.provider_id)
    known = Invoice.everything.filter(key=entry_key).first()
    if known:
        return known
    counter.last += 1
    counter.save(update_fields=["last"])
    invoice = Invoice(
        provider_id=account.provider_id,
        account=account,
        number=counter.last,
        key=entry_key,
        issued_on=today,
        currency=account.currency,
        subtotal_minor=document.subtotal_minor,
        tax_minor=document.tax_minor,
        total_minor=document.total_minor,
        seller=_seller(account),
        buyer=_buyer(queries.contact_of(account)),
    )
    invoice.save(force_insert=True)
    _write_lines(invoice, document)
    ledger.post(
        account,
        kind="invoice",
        memo=_("Invoice %s") % invoice,
        key=entry_key,
        amounts={
            BookKind.CUSTOMER: document.total_minor,
            BookKind.REVENUE: -document.subtotal_minor,
            BookKind.TAX: -document.tax_minor,
        },
        now=now,
    )
    settle(account, now)
    after = {"number": invoice.number, "total_minor": invoice.total_minor, "currency": invoice.currency}
    audit.record("invoice.issued", invoice, actor=actor, now=now, after=after)
    return invoice


def _locked_counter(provider_id: int) -> InvoiceCounter:
    InvoiceCounter.objects.get_or_create(provider_id=provider_id)
    return InvoiceCounter.objects.select_for_update().get(provider_id=provider_id)


def _write_lines(invoice: Invoice, document: taxes.Document) -> None:
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            kind=line.kind,
            resource=line.resource,
            description=wording.line_text(line.kind, line.resource),
            units=line.units,
            amount_minor=line.amount_minor,
            begin=line.begin,
            end=line.end,
        )
        for line in document.lines
    )
    InvoiceTax.objects.bulk_create(
        InvoiceTax(
            invoice=invoice, description=tax.description, rate_ppm=tax.rate_ppm, amount_minor=tax.amount_minor
        )
        for tax in document.taxes
    )


def _seller(account: Account) -> dict[str, str]:
    provider = account.provider
    return {"name": provider.name, "address": provider.address, "email": provider.email}


def _buyer(contact: ContactInfo | None) -> dict[str, str]:
    if contact is None:
        return {}
    names = (
        "first_name",
        "last_name",
        "company",
        "address",
        "city",
        "state",
        "postal_code",
        "country",
        "email",
    )
    return {name: getattr(contact, name) for name in names}


@transaction.atomic
def record_payment(
    account: Account,
    *,
    method: PaymentMethod,
    amount_minor: int,
    reference: str,
    comment: str = "",
    actor: Principal,
    now: datetime,
) -> Payment:
    """Money came in. Method and reference again: the same payment; with other figures it is refused."""
    reference = reference.strip()
    if amount_minor <= 0:
        raise Refused(_("The amount must be above zero."), code="not-positive", field="amount")
    if not reference:
        raise Refused(_("Give the number of the check or payment."), code="no-reference", field="reference")
    known = Payment.everything.filter(
        provider_id=account.provider_id, method=method, reference=reference
    ).first()
    if known and (known.account_id, known.amount_minor) == (account.pk, amount_minor):
        return known
    if known:
        raise Refused(
            _("A payment with this number is in the books already, with other figures."),
            code="payment-known",
            field="reference",
        )
    payment = Payment.objects.create(
        provider_id=account.provider_id,
        account=account,
        method=method,
        amount_minor=amount_minor,
        currency=account.currency,
        reference=reference,
        comment=comment,
        received_at=now,
    )
    ledger.post(
        account,
        kind="payment",
        memo=_("Payment, %(method)s %(reference)s")
        % {"method": PaymentMethod(method).label, "reference": reference},
        key=f"payment:{account.provider_id}:{method}:{reference}",
        amounts={BookKind.CASH: amount_minor, BookKind.CUSTOMER: -amount_minor},
        now=now,
    )
    settle(account, now)
    after = {"amount_minor": amount_minor, "currency": account.currency, "method": method}
    audit.record("payment.recorded", payment, actor=actor, now=now, after=after)
    return payment


def settle(account: Account, now: datetime) -> None:
    """Mark the invoices that the money received covers, oldest first."""
    rows = list(Invoice.everything.filter(account=account).order_by("number"))
    received = Payment.everything.filter(account=account).aggregate(n=Sum("amount_minor"))["n"] or 0
    for row, is_paid in zip(rows, settled([row.total_minor for row in rows], received), strict=True):
        if is_paid and row.paid_at is None:
            row.paid_at = now
            row.save(update_fields=["paid_at"])


@transaction.atomic
def buy_units(
    account: Account, type_name: str, more: int, *, key: str, actor: Principal, now: datetime
) -> Invoice | None:
    """Take units of a resource and charge what is over the free ones. Refused beyond limit or credit."""
    held = catalog_services.hold_units(account, type_name, more) - more
    document = purchase_document(account, type_name, held=held, more=more, today=now.date())
    if document.total_minor == 0:
        return None
    if ledger.balance_minor(account) - document.total_minor < -account.credit_limit_minor:
        raise Refused(
            _("This purchase would take the account beyond its credit limit."),
            code="credit-limit",
            advice=_("Pay what is open first, then try again."),
        )
    return issue_invoice(account, document, today=now.date(), key=key, actor=actor, now=now)


def purchase_document(
    account: Account, type_name: str, *, held: int, more: int, today: date
) -> taxes.Document:
    """What buying `more` units today would be charged: the preview, and what `buy_units` books."""
    if account.plan is None or account.period is None:
        return taxes.Document((), ())
    terms = catalog.terms_of(account.plan).get(type_name)
    if terms is None or account.plan.billing_type == BillingType.FREE or account.period_begin is None:
        return taxes.Document((), ())
    lines = charges.purchase_lines(
        terms,
        held=held,
        more=more,
        period=catalog.period_terms(account.period),
        period_begin=account.period_begin,
        period_stop=account.period_end or account.period_begin,
        today=today,
    )
    contact = queries.contact_of(account)
    return taxes.document(lines, queries.tax_rules(account.provider), contact.country if contact else "")


@transaction.atomic
def add_tax(
    *,
    provider_id: int,
    description: str,
    rate_ppm: int,
    country: str,
    inside: bool,
    actor: Principal,
    now: datetime,
) -> Tax:
    """A tax on every document issued from now on."""
    if not 0 <= rate_ppm <= 1_000_000:
        raise Refused(_("A tax is between 0 and 100 %."), code="tax-bounds", field="rate")
    row = Tax.objects.create(
        provider_id=provider_id,
        description=description.strip(),
        rate_ppm=rate_ppm,
        country=country,
        inside_country=inside,
    )
    audit.record("tax.added", row, actor=actor, now=now, after={"rate_ppm": rate_ppm, "country": country})
    return row


@transaction.atomic
def remove_tax(row: Tax, *, actor: Principal, now: datetime) -> None:
    """From new documents; issued ones keep their own tax lines."""
    audit.record("tax.removed", row, actor=actor, now=now, before={"rate_ppm": row.rate_ppm})
    row.delete()


@transaction.atomic
def change_payment_settings(
    provider: Provider, values: dict[str, bool], *, actor: Principal, now: datetime
) -> None:
    """Which ways to pay the signup offers. People who pay by check already may go on."""
    if provider.pk != actor.provider_id:
        raise NotYours()
    before = {name: getattr(provider, name) for name in values}
    Provider.objects.filter(pk=provider.pk).update(**values)
    audit.record("payment-settings.changed", provider, actor=actor, now=now, before=before, after=values)
