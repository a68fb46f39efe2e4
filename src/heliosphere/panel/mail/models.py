"""Mail domains and mailboxes."""

from __future__ import annotations

from django.db import models

from heliosphere.panel.domains import rules as names
from heliosphere.panel.mail.server.models import MailServerState, Question
from heliosphere.panel.platform.provisioned import Provisioned

__all__ = ["MailDomain", "MailServerState", "Mailbox", "Question"]


class MailDomain(Provisioned):
    account_path = "account_id"

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="mail_domains")
    domain = models.OneToOneField("domains.Domain", on_delete=models.PROTECT, related_name="mail_domain")
    server = models.ForeignKey("servers.LogicalServer", on_delete=models.PROTECT, related_name="mail_domains")
    name = models.CharField(max_length=253, unique=True)
    postmaster_hash = models.CharField(max_length=200)

    def __str__(self) -> str:
        return names.shown(self.name)


class Mailbox(Provisioned):
    """`quota_mb` 0 means no limit. Only a crypt(3) hash of the password is kept."""

    account_path = "domain__account_id"

    domain = models.ForeignKey(MailDomain, on_delete=models.PROTECT, related_name="mailboxes")
    local = models.CharField(max_length=64)
    address = models.CharField(max_length=318, unique=True)
    password_hash = models.CharField(max_length=200)
    quota_mb = models.IntegerField()
    comment = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.address
