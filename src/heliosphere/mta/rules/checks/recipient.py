"""May this recipient be part of the message? Users who signed in skip what only protects mailboxes."""

from __future__ import annotations

from collections.abc import Iterable

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.checks.sender import has_full_domain
from heliosphere.mta.rules.clients.block_lists import ListVerdict
from heliosphere.mta.rules.clients.greylisting import GreylistDecision
from heliosphere.mta.rules.dns_facts import Existence
from heliosphere.mta.rules.facts import (
    DomainExists,
    Fact,
    GreylistedOf,
    ListsOf,
    Mailbox,
    RecipientFacts,
    RecipientOf,
    SenderFacts,
    SenderOf,
)
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.session import Session


def lists_of(session: Session) -> ListsOf:
    policy = session.policy
    return ListsOf(session.client.ip, policy.rblhosts, policy.flagfailclosed, policy.flagrblbounce)


def needs_lists(session: Session, recipient: Address) -> Iterable[Fact]:
    return (lists_of(session),)


def rbl_is_spared(session: Session) -> bool:
    """The plugin form spares clients that may relay (MAIL-RBL-022), and RBLSMTPD="" in tcp.smtp."""
    return session.may_relay or session.client.environment.get("RBLSMTPD") == ""


def check_lists(session: Session, recipient: Address) -> Finding | None:
    """rblhosts in the plugin's form: the verdict comes at RCPT, after a sign-in was possible."""
    known = session.facts[lists_of(session)]
    assert isinstance(known, ListVerdict)
    return list_finding(known)


def list_finding(verdict: ListVerdict) -> Finding | None:
    reply = verdict.reply()
    if reply is None:
        return None
    why = f"the list {verdict.zone} says: {verdict.text}"
    return Finding(reply, why, "Listed_Client", "SNDR", "rblhosts", info=verdict.zone)


def check_full_recipient(session: Session, recipient: Address) -> Finding | None:
    """noathost. `postmaster` alone passes (RFC 5321, 4.5.1)."""
    if has_full_domain(recipient) or (not recipient.domain and recipient.local.lower() == "postmaster"):
        return None
    why = "the recipient has no full domain"
    return Finding(replies.RECIPIENT_WITHOUT_DOMAIN, why, "No_Host", "RCPT", "noathost")


def check_badrcptto(session: Session, recipient: Address) -> Finding | None:
    listed = session.policy.badrcptto
    entry = listed.find(str(recipient)) if listed is not None else None
    if entry is None:
        return None
    why = f"the recipient {recipient} is listed"
    return Finding(replies.BAD_RECIPIENT, why, "Bad_Rcptto", "RCPT", "badrcptto", entry)


def check_badrcptpatterns(session: Session, recipient: Address) -> Finding | None:
    listed = session.policy.badrcptpatterns
    entry = listed.find(recipient.written) if listed is not None else None
    if entry is None:
        return None
    why = f"the recipient {recipient} matches a pattern"
    return Finding(replies.BAD_RECIPIENT, why, "Bad_Rcptto", "RCPT", "badrcptpatterns", entry)


def recipient_of(session: Session, recipient: Address) -> RecipientOf:
    return RecipientOf(recipient, session.declared_size)


def needs_recipient(session: Session, recipient: Address) -> Iterable[Fact]:
    return (recipient_of(session, recipient),)


def facts_of(session: Session, recipient: Address) -> RecipientFacts:
    known = session.facts[recipient_of(session, recipient)]
    assert isinstance(known, RecipientFacts)
    return known


def check_relay(session: Session, recipient: Address) -> Finding | None:
    """rcpthosts: strangers may only reach the domains served here."""
    if facts_of(session, recipient).is_accepted_domain:
        return None
    if session.may_relay or session.sender_may_relay:
        return Finding(None, f"{session.client_class} may send to anywhere", "Relay_Client", "SNDR")
    why = f"{recipient.domain} is not served here, and this client may not relay"
    return Finding(replies.NO_RELAY, why, "Invalid_Relay", "SNDR", "rcpthosts")


def needs_sender_and_recipient(session: Session, recipient: Address) -> Iterable[Fact]:
    sender = session.sender
    asked = recipient_of(session, recipient)
    return (asked, SenderOf(sender, session.login)) if sender is not None else (asked,)


def check_local_sender(session: Session, recipient: Address) -> Finding | None:
    """smdcheck: who may relay sends to others with a sender of a domain held here only."""
    sender = session.sender
    if sender is None or sender.is_null or facts_of(session, recipient).is_accepted_domain:
        return None
    known = session.facts[SenderOf(sender, session.login)]
    assert isinstance(known, SenderFacts)
    if known.is_local:
        return None
    why = f"{sender.domain} is not held here, so it may not send to others"
    return Finding(replies.FOREIGN_SENDER, why, "Invalid_Sender", "ORIG", "smdcheck", info="smd")


def may_not_relay(session: Session) -> bool:
    return not session.may_relay


def may_relay(session: Session) -> bool:
    return session.may_relay


def check_wrong_count(session: Session, recipient: Address) -> Finding | None:
    """maxwrongrcpt: once reached, every further recipient of the connection is refused."""
    limit = session.policy.maxwrongrcpt
    if session.wrong_recipients < limit:
        return None
    why = f"{session.wrong_recipients} wrong recipients were named before"
    return Finding(replies.TOO_MANY_WRONG, why, "Failed_Rcptto", "RCPT", "maxwrongrcpt", info="count")


def check_mailbox_open(session: Session, recipient: Address) -> Finding | None:
    """A mailbox with BOUNCE_MAIL takes nothing from anyone."""
    if facts_of(session, recipient).mailbox is not Mailbox.CLOSED:
        return None
    why = "the mailbox is closed"
    return Finding(replies.MAILBOX_CLOSED, why, "Failed_Rcptto", "RCPT", "userchk", info="closed")


def check_mailbox_exists(session: Session, recipient: Address) -> Finding | None:
    """userchk. A signed-in user's mistake comes back as a bounce instead."""
    facts = facts_of(session, recipient)
    if facts.mailbox is not Mailbox.ABSENT:
        return None
    why = facts.detail or "there is no such mailbox"
    return Finding(replies.NO_SUCH_MAILBOX, why, "Failed_Rcptto", "RCPT", "userchk", info="absent")


def check_not_discarded(session: Session, recipient: Address) -> Finding | None:
    if facts_of(session, recipient).mailbox is not Mailbox.DISCARDS:
        return None
    why, control = "the mailbox throws everything away", "rejectdiscardedmail"
    return Finding(replies.MAILBOX_DISCARDS, why, "Failed_Rcptto", "RCPT", control, info="discard")


def check_mailbox_room(session: Session, recipient: Address) -> Finding | None:
    """uquotacheck: a mailbox at 100 % or more, or that the declared size would fill, is full."""
    if not facts_of(session, recipient).is_full:
        return None
    return Finding(
        replies.MAILBOX_FULL, "the mailbox is full", "Failed_Rcptto", "RCPT", "uquotacheck", info="full"
    )


def needs_recipient_domain(session: Session, recipient: Address) -> Iterable[Fact]:
    asked = recipient_of(session, recipient)
    if not recipient.domain or recipient.domain.startswith("["):
        return (asked,)
    return (asked, DomainExists(recipient.domain))


def check_recipient_domain(session: Session, recipient: Address) -> Finding | None:
    """rcptdnschecks, for recipients elsewhere."""
    facts = facts_of(session, recipient)
    if facts.is_accepted_domain or facts.mailbox is not None:
        return None
    known = session.facts.get(DomainExists(recipient.domain))
    if known is Existence.MISSING:
        reply, why = replies.RECIPIENT_NOT_IN_DNS, f"the domain {recipient.domain} does not exist in the DNS"
    elif known is Existence.UNKNOWN:
        reply, why = replies.RECIPIENT_DNS_LATER, f"the DNS does not answer about {recipient.domain}"
    else:
        return None
    return Finding(reply, why, "Failed_Rcptto", "RCPT", "rcptdnschecks", info="dns")


def _grey_fact(session: Session, recipient: Address) -> GreylistedOf | None:
    listed = session.policy.nogreylist
    if session.sender is None or (listed is not None and listed.find(str(recipient)) is not None):
        return None
    return GreylistedOf(session.client.ip, session.sender, recipient)


def needs_greylist(session: Session, recipient: Address) -> Iterable[Fact]:
    fact = _grey_fact(session, recipient)
    return () if fact is None else (fact,)


def check_greylist(session: Session, recipient: Address) -> Finding | None:
    fact = _grey_fact(session, recipient)
    known = session.facts.get(fact) if fact is not None else None
    if not isinstance(known, GreylistDecision) or known.accept:
        return None
    why = f"a new client, sender and recipient: come again in {known.wait} seconds"
    return Finding(known.reply(), why, "Greylisted", "RCPT", "greylist", info=str(known.wait))


def check_recipient_count(session: Session, recipient: Address) -> Finding | None:
    limit = session.policy.maxrecipients
    if len(session.recipients) < limit:
        return None
    why = f"the message has {len(session.recipients)} recipients already"
    return Finding(replies.TOO_MANY_RECIPIENTS, why, "Toomany_Rcptto", "RCPT", "maxrecipients")
