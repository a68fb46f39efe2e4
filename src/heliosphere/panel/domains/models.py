"""Domains of accounts."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.domains import rules
from heliosphere.panel.platform.tenancy import TenantModel


class DomainKind(models.TextChoices):
    THIRD_LEVEL = "third_level", _("under our service zone")
    EXISTING = "existing", _("registered elsewhere")
    SERVICE = "service", _("service zone")


class Domain(TenantModel):
    """A name in ASCII form, once in the installation. A service zone has no account."""

    account_path = "account_id"

    account = models.ForeignKey(
        "accounts.Account", null=True, on_delete=models.PROTECT, related_name="domains"
    )
    name = models.CharField(max_length=253, unique=True)
    kind = models.CharField(max_length=12, choices=DomainKind.choices)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return rules.shown(self.name)
