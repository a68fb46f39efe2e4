"""The tables: for each verb its checks in the order they are made. The first that refuses decides.

Verdicts on the session and on the sender are given at RCPT, as the originals do, and before the checks of
the recipient, so that a bad session never learns who exists. Trouble of the DNS is told at MAIL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.checks import auth, greeting, recipient, sender, steps
from heliosphere.mta.rules.checks.check import Check, Step, Table, active
from heliosphere.mta.rules.checks.client import CONNECT
from heliosphere.mta.rules.facts import Fact
from heliosphere.mta.rules.plugins.spp import Section
from heliosphere.mta.rules.session import Session, SmtpPolicy

AUTH: Table = (
    Check("smtpauth", auth.check_auth_offered),
    Check("signed in already", auth.check_not_signed_in),
    Check("outside a message", auth.check_outside_transaction),
)

MAIL_FIRST: Table = (
    Check("submission", sender.check_signed_in),
    Check("stricthelocheck", greeting.check_order, lambda policy: policy.stricthelocheck),
)
"""Before the command is read."""

MAIL: Table = (
    Check("noathost", sender.check_full_sender, lambda policy: policy.noathost),
    Check("databytes", sender.check_declared_size, lambda policy: policy.databytes > 0),
    Check("blackholedsender", sender.check_blackhole, lambda policy: policy.blackholedsender is not None),
    Check(
        "authsender", sender.check_own_domain, lambda policy: policy.authsender == 1,
        sender.is_not_signed_in, sender.needs_sender_facts,
    ),
    Check(
        "badmailfrom-unknown", sender.check_unknown_client,
        lambda policy: policy.badmailfrom_unknown is not None,
        sender.may_relay, sender.needs_ptr_of_listed, quits=True,
    ),
    Check("relaymailfrom", sender.note_relay_sender, lambda policy: policy.relaymailfrom is not None),
    Check(
        "helodnscheck", greeting.check_helo_answers, lambda policy: policy.helodnscheck,
        greeting.is_spared, greeting.needs_helo_in_dns,
    ),
    Check(
        "mfdnscheck", sender.check_sender_domain_answers, lambda policy: policy.mfdnscheck,
        greeting.is_spared, sender.needs_sender_domain,
    ),
    Check(
        "spfbehavior", sender.check_spf_answers, lambda policy: policy.spfbehavior > 0,
        sender.spf_is_spared, sender.needs_spf,
    ),
    Step("plugins", steps.plugins(Section.MAIL), lambda policy: bool(policy.plugins)),
)  # fmt: skip


Needs = Callable[[Session, Address], Iterable[Fact]]


def _of_sender(needs: Needs) -> Needs:
    """What a check of the sender needs, asked at RCPT."""
    return lambda session, _: needs(session, session.sender) if session.sender is not None else ()


RCPT: Table = (
    Check(
        "rblhosts", recipient.check_lists, lambda policy: policy.rbl_is_late and bool(policy.rblhosts),
        recipient.rbl_is_spared, recipient.needs_lists,
    ),
    Check("noathost", recipient.check_full_recipient, lambda policy: policy.noathost),
    Step("plugins", steps.plugins(Section.RCPT), lambda policy: bool(policy.plugins)),
    Check(
        "badhelo", greeting.check_badhelo, lambda policy: policy.badhelo is not None,
        greeting.is_spared, greeting.needs_client_name, quits=True,
    ),
    Check(
        "helodnscheck", greeting.check_helo_exists, lambda policy: policy.helodnscheck,
        greeting.is_spared, greeting.needs_helo_in_dns, quits=True,
    ),
    Check(
        "mfdnscheck", sender.check_sender_domain_exists, lambda policy: policy.mfdnscheck,
        greeting.is_spared, _of_sender(sender.needs_sender_domain), quits=True,
    ),
    Check(
        "badmailfrom", sender.check_badmailfrom, lambda policy: policy.badmailfrom is not None,
        greeting.is_spared, quits=True,
    ),
    Check(
        "badmailpatterns", sender.check_badmailpatterns, lambda policy: policy.badmailpatterns is not None,
        greeting.is_spared, quits=True,
    ),
    Check(
        "spfbehavior", sender.check_spf, lambda policy: policy.spfbehavior > 2,
        sender.spf_is_spared, _of_sender(sender.needs_spf),
    ),
    Check(
        "badrcptto", recipient.check_badrcptto, lambda policy: policy.badrcptto is not None, quits=True
    ),
    Check(
        "badrcptpatterns", recipient.check_badrcptpatterns, lambda policy: policy.badrcptpatterns is not None,
        quits=True,
    ),
    Check("rcpthosts", recipient.check_relay, needs=recipient.needs_recipient),
    Check(
        "smdcheck", recipient.check_local_sender, lambda policy: policy.smdcheck,
        recipient.may_not_relay, recipient.needs_sender_and_recipient,
    ),
    Step("tarpit", steps.tarpit, lambda policy: policy.tarpitcount > 0),
    Check(
        "maxwrongrcpt", recipient.check_wrong_count, lambda policy: policy.maxwrongrcpt > 0,
        recipient.may_relay,
    ),
    Check("mailbox open", recipient.check_mailbox_open, needs=recipient.needs_recipient),
    Check(
        "userchk", recipient.check_mailbox_exists, lambda policy: policy.userchk,
        recipient.may_relay, recipient.needs_recipient,
    ),
    Check(
        "rejectdiscardedmail", recipient.check_not_discarded, lambda policy: policy.rejectdiscardedmail,
        needs=recipient.needs_recipient,
    ),
    Check(
        "uquotacheck", recipient.check_mailbox_room, lambda policy: policy.uquotacheck,
        recipient.may_relay, recipient.needs_recipient,
    ),
    Check(
        "rcptdnschecks", recipient.check_recipient_domain, lambda policy: policy.rcptdnschecks,
        needs=recipient.needs_recipient_domain,
    ),
    Check(
        "greylist", recipient.check_greylist, lambda policy: policy.greylist,
        recipient.may_relay, recipient.needs_greylist,
    ),
    Check("maxrecipients", recipient.check_recipient_count, lambda policy: policy.maxrecipients > 0),
)  # fmt: skip

PLUGIN_TABLES: dict[Section, Table] = {
    section: (Step("plugins", steps.plugins(section), lambda policy: bool(policy.plugins)),)
    for section in (Section.HELO, Section.AUTH, Section.DATA)
}


class Tables:
    """The tables of checks without the rows that a policy switches off; made once for each policy."""

    __slots__ = ("connect", "mail", "mail_first", "plugins", "rcpt")

    def __init__(self, policy: SmtpPolicy, *, whole: bool = False) -> None:
        """`whole`: keep every row, for explanations."""
        def keep(table: Table) -> Table:
            return table if whole else active(table, policy)

        self.connect = keep(CONNECT)
        self.mail_first = keep(MAIL_FIRST)
        self.mail = keep(MAIL)
        self.rcpt = keep(RCPT)
        self.plugins = {section: keep(table) for section, table in PLUGIN_TABLES.items()}

