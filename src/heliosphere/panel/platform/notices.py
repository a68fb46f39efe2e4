"""Notices to people by e-mail: each declared once, sent by a job, kept as it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.contracts.codec import contract
from heliosphere.panel.platform.errors import Refused, TryLater
from heliosphere.panel.platform.jobs.kinds import JOB_KINDS, PANEL_NODE, JobKind
from heliosphere.panel.platform.jobs.queue import queue_job
from heliosphere.panel.platform.models import Notice
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.platform.registry import Registry


@dataclass(frozen=True)
class NoticeKind:
    """`template` is plain text, its first line the subject. `group` is who on the staff cares."""

    name: str
    title: str | Promise
    group: str
    template: str


NOTICE_KINDS: Registry[NoticeKind] = Registry("notice")


@contract("notice-job")
@dataclass(frozen=True, slots=True)
class NoticeJob:
    notice_id: int


def queue_notice(
    name: str,
    *,
    to: str,
    sender: str,
    facts: dict[str, Any],
    provider_id: int,
    account_id: int | None = None,
    actor: Principal,
    now: datetime,
) -> Notice:
    """Write the notice now, in the caller's transaction; a job sends it."""
    kind = NOTICE_KINDS[name]
    subject, _newline, body = render_to_string(kind.template, facts).lstrip().partition("\n")
    notice = Notice.everything.create(
        provider_id=provider_id,
        account_id=account_id,
        kind=name,
        to=to,
        sender=sender,
        subject=subject.strip()[:200],
        body=body.lstrip(),
        created_at=now,
    )
    queue_job(
        "notice.send",
        NoticeJob(notice.pk),
        title=_("Notice to %(to)s: %(what)s") % {"to": to, "what": kind.title},
        node=PANEL_NODE,
        object_key=f"notice:{notice.pk}",
        actor=actor,
        now=now,
        provider_id=provider_id,
        account_id=account_id,
    )
    return notice


def send(spec: NoticeJob, now: datetime) -> tuple[str, ...]:
    """Runs as a job. A notice sent already is not sent again."""
    notice = Notice.everything.get(pk=spec.notice_id)
    if notice.sent_at is not None:
        return ()
    message = EmailMessage(notice.subject, notice.body, notice.sender, [notice.to])
    message.extra_headers["Message-ID"] = f"<notice-{notice.pk}@{notice.sender.rpartition('@')[2]}>"
    try:
        message.send()
    except SMTPRecipientsRefused as error:
        text = _("The mail server refuses %s.") % notice.to
        raise Refused(text, code="recipient-refused", advice=_("Check the address.")) from error
    except (OSError, SMTPException) as error:
        raise TryLater(_("The mail server does not take the notice: %s") % error, code="mail-down") from error
    Notice.everything.filter(pk=notice.pk).update(sent_at=now)
    return (_("sent"),)


JOB_KINDS.add(JobKind("notice.send", gettext_lazy("Send a notice"), run=send))
