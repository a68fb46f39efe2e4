"""What a visitor typed so far, and what became of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.platform.tenancy import TenantModel


class RequestState(models.TextChoices):
    DRAFT = "draft", _("being filled in")
    PAYING = "paying", _("at the payment page")
    MODERATED = "moderated", _("waiting for staff")
    DONE = "done", _("account opened")
    REJECTED = "rejected", _("rejected")


class SignupRequest(TenantModel):
    """One walk through the wizard. `token` is the visitor's key to it; the password is hashed as it comes in.

    `agreed` is the document the visitor confirmed, so that what is booked is what was shown.
    """

    token = models.CharField(max_length=64, unique=True)
    plan = models.ForeignKey("catalog.Plan", on_delete=models.PROTECT, related_name="+")
    period = models.ForeignKey("catalog.PlanPeriod", null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=RequestState.choices, default=RequestState.DRAFT)
    domain_kind = models.CharField(max_length=12, blank=True)
    domain = models.CharField(max_length=253, blank=True)
    contact = models.JSONField(default=dict)
    payment_type = models.CharField(max_length=10, blank=True)
    login = models.CharField(max_length=64, blank=True)
    password_hash = models.CharField(max_length=255, blank=True)
    agreed = models.JSONField(null=True)
    total_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    card_payment = models.ForeignKey(
        "billing.CardPayment", null=True, on_delete=models.PROTECT, related_name="+"
    )
    account = models.ForeignKey("accounts.Account", null=True, on_delete=models.PROTECT, related_name="+")
    job_group = models.ForeignKey("platform.JobGroup", null=True, on_delete=models.PROTECT, related_name="+")
    reject_reason = models.CharField(max_length=300, blank=True)
    address = models.CharField(max_length=45, blank=True)
    by_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["provider", "state", "-id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["login"],
                condition=models.Q(state__in=["paying", "moderated"]) & ~models.Q(login=""),
                name="login_waits_once",
            ),
            models.UniqueConstraint(
                fields=["domain"],
                condition=models.Q(state__in=["paying", "moderated"]) & ~models.Q(domain=""),
                name="domain_waits_once",
            ),
        ]

    def __str__(self) -> str:
        return self.login or f"request {self.pk}"
