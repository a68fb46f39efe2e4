"""Plans and what they are made of."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.catalog import wording
from heliosphere.panel.platform.tenancy import TenantModel


class Access(models.TextChoices):
    PUBLIC = "public", _("everyone")
    ADMIN = "admin", _("staff only")


class BillingType(models.TextChoices):
    PAID = "paid", _("paid")
    FREE = "free", _("without billing")


class Plan(TenantModel):
    """A named set of priced resources. Off for signup until someone turns it on."""

    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    signup_on = models.BooleanField(default=False)
    access = models.CharField(max_length=10, choices=Access.choices, default=Access.PUBLIC)
    billing_type = models.CharField(max_length=10, choices=BillingType.choices, default=BillingType.PAID)
    currency = models.CharField(max_length=3)
    credit_limit_minor = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "name"], condition=Q(deleted_at__isnull=True), name="plan_name_once"
            ),
            models.CheckConstraint(condition=Q(credit_limit_minor__gte=0), name="credit_limit_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name


class PlanResource(models.Model):
    """One resource of a plan with its one-month base prices, in minor units per unit."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="resources")
    type = models.CharField(max_length=40)
    included = models.BooleanField(default=True)
    activated = models.BooleanField(default=True)
    setup_minor = models.BigIntegerField(default=0)
    recurrent_minor = models.BigIntegerField(default=0)
    usage_minor = models.BigIntegerField(default=0)
    free_units = models.BigIntegerField(default=0)
    max_units = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "type"], name="resource_once_per_plan"),
            models.CheckConstraint(
                condition=Q(setup_minor__gte=0)
                & Q(recurrent_minor__gte=0)
                & Q(usage_minor__gte=0)
                & Q(free_units__gte=0),
                name="prices_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.type


class PeriodUnit(models.TextChoices):
    DAY = "day", _("day")
    WEEK = "week", _("week")
    MONTH = "month", _("month")
    YEAR = "year", _("year")


class PlanPeriod(models.Model):
    """A billing period a customer may choose, with its discounts in hundredths of a per cent."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="periods")
    unit = models.CharField(max_length=5, choices=PeriodUnit.choices, default=PeriodUnit.MONTH)
    size = models.IntegerField(default=1)
    setup_discount = models.IntegerField(default=0)
    recurrent_discount = models.IntegerField(default=0)
    usage_discount = models.IntegerField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "unit", "size"], name="period_once_per_plan"),
            models.CheckConstraint(
                condition=Q(size__gte=1)
                & Q(setup_discount__range=(0, 10000))
                & Q(recurrent_discount__range=(0, 10000))
                & Q(usage_discount__range=(0, 10000)),
                name="period_in_bounds",
            ),
        ]

    def __str__(self) -> str:
        return wording.period_words(self.unit, self.size)


class ResourceUse(TenantModel):
    """How many units of a resource an account holds now. Written by services, read by billing and limits."""

    account_path = "account_id"

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="resources")
    type = models.CharField(max_length=40)
    units = models.BigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["account", "type"], name="use_once_per_account"),
            models.CheckConstraint(condition=Q(units__gte=0), name="units_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.units} {self.type}"
