"""Writes about mail domains and mailboxes: rows here, the tree on the mail server by jobs."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.contracts.mailboxes import MailboxSpec, MailDomainSpec
from heliosphere.panel.accounts.models import Account
from heliosphere.panel.billing import services as billing
from heliosphere.panel.catalog import services as catalog
from heliosphere.panel.domains.models import Domain
from heliosphere.panel.mail import rules
from heliosphere.panel.mail.models import Mailbox, MailDomain
from heliosphere.panel.mail.passwords import mailbox_hash
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.jobs.models import Job, JobGroup
from heliosphere.panel.platform.jobs.queue import queue_job
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.platform.provisioned import Reality
from heliosphere.panel.platform.secrets import new_token
from heliosphere.panel.servers.models import LogicalServer

MB = 1_048_576

_LOCAL_REASONS = {
    "empty": gettext_lazy("Type the part before the @."),
    "too-long": gettext_lazy("The part before the @ has at most 64 characters."),
    "syntax": gettext_lazy(
        "Use letters, digits, dots, hyphens and underscores, and begin with a letter or digit."
    ),
}
_PASSWORD_REASONS = {
    "short": gettext_lazy("Use at least 10 characters."),
    "has-name": gettext_lazy("The password contains the mailbox's name; choose another one."),
    "control": gettext_lazy("The password contains a sign that cannot be typed in mail programs."),
}


@transaction.atomic
def create_mail_domain(
    domain: Domain,
    account: Account,
    *,
    server: LogicalServer,
    actor: Principal,
    now: datetime,
    group: JobGroup | None,
) -> MailDomain:
    """A mail domain with its postmaster, whose password is random until the customer sets one."""
    catalog.hold_units(account, "mail_domain", 1)
    row = MailDomain.objects.create(
        provider=domain.provider,
        account=account,
        domain=domain,
        server=server,
        name=domain.name,
        postmaster_hash=mailbox_hash(new_token()),
    )
    audit.record("mail-domain.created", row, actor=actor, now=now)
    push_mail_domain(row, suspended=account.is_suspended, actor=actor, now=now, group=group)
    return row


def push_mail_domain(
    row: MailDomain, *, suspended: bool, actor: Principal, now: datetime, group: JobGroup | None = None
) -> Job:
    """Queue the mail domain as it should be now. Inside the caller's transaction."""
    row.reality = Reality.PENDING
    row.save(update_fields=["reality"])
    spec = MailDomainSpec(row.name, row.postmaster_hash, suspended=suspended)
    return _queue(
        "mail_domain.apply", spec, row, _("Mail domain %s") % row, actor=actor, now=now, group=group
    )


def _queue(
    kind: str,
    spec: MailDomainSpec | MailboxSpec,
    row: MailDomain,
    title: str,
    *,
    actor: Principal,
    now: datetime,
    group: JobGroup | None,
) -> Job:
    """All jobs of one mail domain share a key: a mailbox never overtakes its domain."""
    return queue_job(
        kind,
        spec,
        title=title,
        node=row.server.physical.node,
        object_key=f"mail:{row.name}",
        actor=actor,
        now=now,
        group=group,
        provider_id=row.provider_id,
        account_id=row.account_id,
    )


@transaction.atomic
def open_mailbox(
    mail_domain: MailDomain,
    *,
    local: str,
    password: str,
    quota_mb: int,
    comment: str = "",
    actor: Principal,
    now: datetime,
) -> Mailbox:
    """Create a mailbox, charge what the plan says, and queue its set-up. Raises Refused on the field."""
    row = MailDomain.objects.locked(actor, pk=mail_domain.pk)
    local = local.strip().lower()
    _check_mailbox(row, local, quota_mb)
    check_password(password, local)
    address = f"{local}@{row.name}"
    billing.buy_units(
        row.account, "mailbox", 1, key=f"mailbox:{address}:{now:%Y%m%d%H%M%S%f}", actor=actor, now=now
    )
    mailbox = Mailbox.objects.create(
        provider_id=row.provider_id,
        domain=row,
        local=local,
        address=address,
        password_hash=mailbox_hash(password),
        quota_mb=quota_mb,
        comment=comment.strip()[:100],
        created_at=now,
    )
    audit.record(
        "mailbox.opened",
        mailbox,
        actor=actor,
        now=now,
        after={"quota_mb": quota_mb},
        account_id=row.account_id,
    )
    push_mailbox(mailbox, actor=actor, now=now)
    return mailbox


def _check_mailbox(row: MailDomain, local: str, quota_mb: int) -> None:
    reason = rules.why_not_local_part(local)
    if reason:
        raise Refused(_LOCAL_REASONS[reason], code=f"mailbox-{reason}", field="local")
    _check_quota(quota_mb)
    if local == "postmaster" or row.mailboxes.filter(local=local).exists():
        text = _("There is a mailbox %(address)s already.") % {"address": f"{local}@{row}"}
        raise Refused(text, code="mailbox-exists", field="local")


def _check_quota(quota_mb: int) -> None:
    if not 0 <= quota_mb <= rules.LARGEST_QUOTA_MB:
        text = _("A quota is between 0 (no limit) and %d MB.") % rules.LARGEST_QUOTA_MB
        raise Refused(text, code="quota-bounds", field="quota_mb")


def check_password(password: str, local: str) -> None:
    """Raises Refused on field "password"."""
    reason = rules.why_not_password(password, local)
    if reason:
        raise Refused(_PASSWORD_REASONS[reason], code=f"password-{reason}", field="password")


def push_mailbox(mailbox: Mailbox, *, actor: Principal, now: datetime, group: JobGroup | None = None) -> Job:
    """Queue the mailbox as it should be now. Inside the caller's transaction."""
    mailbox.reality = Reality.PENDING
    mailbox.save(update_fields=["reality"])
    row = mailbox.domain
    spec = MailboxSpec(
        address=mailbox.address,
        password_hash=mailbox.password_hash,
        quota_bytes=mailbox.quota_mb * MB,
        comment=mailbox.comment,
        suspended=row.account.is_suspended,
    )
    return _queue(
        "mailbox.apply", spec, row, _("Mailbox %s") % mailbox.address, actor=actor, now=now, group=group
    )


@transaction.atomic
def change_mailbox(
    mailbox: Mailbox, *, password: str | None, quota_mb: int, comment: str, actor: Principal, now: datetime
) -> Mailbox:
    """New password (None: the old one stays), quota and comment."""
    mailbox = Mailbox.objects.locked(actor, pk=mailbox.pk)
    _check_quota(quota_mb)
    before = {"quota_mb": mailbox.quota_mb, "comment": mailbox.comment}
    if password:
        check_password(password, mailbox.local)
        mailbox.password_hash = mailbox_hash(password)
    mailbox.quota_mb, mailbox.comment = quota_mb, comment.strip()[:100]
    mailbox.save()
    after = {"quota_mb": quota_mb, "comment": mailbox.comment, "password_changed": bool(password)}
    audit.record(
        "mailbox.changed",
        mailbox,
        actor=actor,
        now=now,
        before=before,
        after=after,
        account_id=mailbox.domain.account_id,
    )
    push_mailbox(mailbox, actor=actor, now=now)
    return mailbox


@transaction.atomic
def remove_mailbox(mailbox: Mailbox, *, actor: Principal, now: datetime) -> None:
    """Queue the removal; the row goes when the mail is gone from the server."""
    mailbox = Mailbox.objects.locked(actor, pk=mailbox.pk)
    if mailbox.removing:
        return
    mailbox.removing = True
    mailbox.save(update_fields=["removing"])
    audit.record("mailbox.removed", mailbox, actor=actor, now=now, account_id=mailbox.domain.account_id)
    spec = MailboxSpec(mailbox.address, mailbox.password_hash, mailbox.quota_mb * MB)
    title = _("Remove mailbox %s") % mailbox.address
    _queue("mailbox.remove", spec, mailbox.domain, title, actor=actor, now=now, group=None)
