"""Sites."""

from __future__ import annotations

from django.db import models

from heliosphere.panel.domains import rules as names
from heliosphere.panel.platform.provisioned import Provisioned


class Site(Provisioned):
    account_path = "account_id"

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="sites")
    domain = models.OneToOneField("domains.Domain", on_delete=models.PROTECT, related_name="site")
    server = models.ForeignKey("servers.LogicalServer", on_delete=models.PROTECT, related_name="sites")
    name = models.CharField(max_length=253, unique=True)
    instant_alias = models.CharField(max_length=253, unique=True)

    def __str__(self) -> str:
        return names.shown(self.name)
