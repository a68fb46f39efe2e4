"""The jobs mail hosting declares."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from heliosphere.contracts.jobs import JobOutcome
from heliosphere.contracts.mailboxes import MailboxSpec
from heliosphere.panel.catalog.services import hold_units
from heliosphere.panel.mail.models import Mailbox, MailDomain
from heliosphere.panel.mail.server import jobkinds as jobkinds
from heliosphere.panel.platform.jobs.kinds import JOB_KINDS, JobKind
from heliosphere.panel.platform.jobs.models import Job, JobState
from heliosphere.panel.platform.provisioned import Reality, mark_reality


def _mailbox_gone(job: Job, spec: MailboxSpec, outcome: JobOutcome, now: datetime) -> None:
    mailbox = Mailbox.everything.filter(address=spec.address, removing=True).first()
    if mailbox is None:
        return
    if job.state == JobState.DONE:
        hold_units(mailbox.domain.account, "mailbox", -1)
        mailbox.delete()
    elif job.state == JobState.CANCELLED:
        Mailbox.everything.filter(pk=mailbox.pk).update(removing=False)
    else:
        Mailbox.everything.filter(pk=mailbox.pk).update(reality=Reality.FAILED)


JOB_KINDS.add(
    JobKind("mail_domain.apply", _("Set up a mail domain"), on_end=mark_reality(MailDomain, name="name"))
)
JOB_KINDS.add(
    JobKind("mailbox.apply", _("Set up a mailbox"), on_end=mark_reality(Mailbox, address="address"))
)
JOB_KINDS.add(JobKind("mailbox.remove", _("Remove a mailbox"), on_end=_mailbox_gone))
