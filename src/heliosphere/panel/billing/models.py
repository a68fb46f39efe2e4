"""The ledger, invoices, taxes and payments. Amounts are whole minor units; rows are added, never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.platform.tenancy import TenantModel


class Tax(TenantModel):
    """A tax of a provider. `rate_ppm` is in parts per million."""

    description = models.CharField(max_length=80)
    rate_ppm = models.IntegerField()
    country = models.CharField(max_length=2, blank=True)
    inside_country = models.BooleanField(default=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(rate_ppm__range=(0, 1_000_000)), name="tax_rate_in_bounds")
        ]

    def __str__(self) -> str:
        return self.description


class BookKind(models.TextChoices):
    CUSTOMER = "customer", _("owed by the customer")
    REVENUE = "revenue", _("revenue")
    TAX = "tax", _("tax owed to the state")
    CASH = "cash", _("money received")


class Book(TenantModel):
    """An account in the accounting sense: one per provider and kind, one per customer for its debt."""

    kind = models.CharField(max_length=10, choices=BookKind.choices)
    account = models.ForeignKey("accounts.Account", null=True, on_delete=models.PROTECT, related_name="books")
    currency = models.CharField(max_length=3)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "kind", "account", "currency"],
                nulls_distinct=False,
                name="one_book",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency}"


class Entry(TenantModel):
    """One balanced transaction: its postings sum to zero. `key` makes writing it twice impossible."""

    account_path = "account_id"

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="entries")
    at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    memo = models.CharField(max_length=200)
    key = models.CharField(max_length=120, unique=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["account", "-id"])]

    def __str__(self) -> str:
        return self.memo


class Posting(models.Model):
    """Debit (positive) or credit (negative) on one book."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="postings")
    amount_minor = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.amount_minor)


class InvoiceCounter(models.Model):
    """The last invoice number of a provider; locked while one is taken, so numbers have no gaps."""

    provider = models.OneToOneField("accounts.Provider", on_delete=models.PROTECT, primary_key=True)
    last = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.last)


class Invoice(TenantModel):
    """An issued bill. `seller` and `buyer` are copies of the names and addresses of that day."""

    account_path = "account_id"

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="invoices")
    number = models.BigIntegerField()
    key = models.CharField(max_length=160, unique=True)
    issued_on = models.DateField()
    currency = models.CharField(max_length=3)
    subtotal_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    seller = models.JSONField()
    buyer = models.JSONField()
    paid_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["provider", "number"], name="invoice_number_once"),
            models.CheckConstraint(
                condition=Q(total_minor=models.F("subtotal_minor") + models.F("tax_minor")),
                name="invoice_adds_up",
            ),
        ]
        indexes = [models.Index(fields=["account", "-number"])]

    def __str__(self) -> str:
        return f"{self.number:06d}"


class InvoiceLine(models.Model):
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=12)
    resource = models.CharField(max_length=40)
    description = models.CharField(max_length=200)
    units = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    begin = models.DateField()
    end = models.DateField()

    def __str__(self) -> str:
        return self.description


class InvoiceTax(models.Model):
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="taxes")
    description = models.CharField(max_length=80)
    rate_ppm = models.IntegerField()
    amount_minor = models.BigIntegerField()

    def __str__(self) -> str:
        return self.description


class PaymentMethod(models.TextChoices):
    CHECK = "check", _("check")
    CARD = "card", _("card")
    OTHER = "other", _("other")


class Payment(TenantModel):
    """Money that came in. `reference` is the check number or the gateway's id, once per method."""

    account_path = "account_id"

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="payments")
    method = models.CharField(max_length=10, choices=PaymentMethod.choices)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=120)
    received_at = models.DateTimeField()
    comment = models.CharField(max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_positive"),
            models.UniqueConstraint(fields=["provider", "method", "reference"], name="payment_once"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.reference}"


class CardState(models.TextChoices):
    OPEN = "open", _("waiting for the card")
    AUTHORISED = "authorised", _("authorised")
    CAPTURED = "captured", _("charged")
    VOIDED = "voided", _("released")
    DECLINED = "declined", _("declined")


class CardPayment(TenantModel):
    """A charge at a gateway, from its payment page to capture or release. Card numbers never come here."""

    account_path = "account_id"

    account = models.ForeignKey(
        "accounts.Account", null=True, on_delete=models.PROTECT, related_name="card_payments"
    )
    gateway = models.CharField(max_length=40)
    token = models.CharField(max_length=64, unique=True)
    session = models.CharField(max_length=120, blank=True)
    page_url = models.CharField(max_length=500, blank=True)
    gateway_payment = models.CharField(max_length=120, blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=12, choices=CardState.choices, default=CardState.OPEN)
    brand = models.CharField(max_length=20, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    message = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.gateway} {self.token[:8]}"
