"""Zones and their records."""

from __future__ import annotations

from django.db import models

from heliosphere.panel.domains import rules as names
from heliosphere.panel.platform.provisioned import Provisioned


class Zone(Provisioned):
    account_path = "account_id"

    account = models.ForeignKey("accounts.Account", null=True, on_delete=models.PROTECT, related_name="zones")
    domain = models.OneToOneField("domains.Domain", on_delete=models.PROTECT, related_name="zone")
    server = models.ForeignKey("servers.LogicalServer", on_delete=models.PROTECT, related_name="zones")
    name = models.CharField(max_length=253, unique=True)

    def __str__(self) -> str:
        return names.shown(self.name)


class Record(models.Model):
    """`builtin` records come with a service and follow it; the others are the customer's."""

    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="records")
    name = models.CharField(max_length=253, blank=True)
    type = models.CharField(max_length=10)
    ttl = models.IntegerField()
    value = models.TextField()
    builtin = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.name or '@'} {self.type}"
