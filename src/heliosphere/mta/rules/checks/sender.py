"""May this sender begin a message? Checks of MAIL, and those of the sender that RCPT answers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.dns_facts import ClientName, Existence
from heliosphere.mta.rules.facts import ClientNameOf, DomainExists, Fact, SenderFacts, SenderOf, SpfOf
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.origin.spf import SpfRequest, SpfResult, verdict_of
from heliosphere.mta.rules.session import Session


def check_signed_in(session: Session, sender: Address) -> Finding | None:
    """A submission port takes nothing from strangers."""
    if not session.client.submission or session.login is not None:
        return None
    return Finding(replies.SIGN_IN_FIRST, "this port is for users who sign in", "Require_Auth", "AUTH")


def has_full_domain(address: Address) -> bool:
    """A dot at an end does not make a name full."""
    return "." in address.domain.strip(".") or address.domain.startswith("[")


def check_full_sender(session: Session, sender: Address) -> Finding | None:
    """noathost: `<>` is refused too (MAIL-CTL-158)."""
    if has_full_domain(sender):
        return None
    why = "the sender has no full domain"
    return Finding(replies.SENDER_WITHOUT_DOMAIN, why, "No_Host", "ORIG", "noathost")


def check_declared_size(session: Session, sender: Address) -> Finding | None:
    """SIZE= over databytes is refused before the message is sent; reaching it exactly is allowed."""
    limit = session.policy.databytes
    if session.declared_size <= limit:
        return None
    why = f"{session.declared_size} bytes were announced, the limit is {limit}"
    return Finding(replies.TOO_BIG, why, "Invalid_Size", "DATA", "databytes")


def check_blackhole(session: Session, sender: Address) -> Finding | None:
    """blackholedsender: the session ends without a word, whatever quitasap says (MAIL-CTL-083)."""
    listed = session.policy.blackholedsender
    entry = listed.find(sender.written) if listed is not None else None
    if entry is None:
        return None
    why = f"the sender {sender} is listed"
    return Finding(None, why, "Blackholed_Sender", "ORIG", "blackholedsender", entry, drop=True)


def _sender_facts(session: Session, sender: Address) -> SenderFacts:
    known = session.facts[SenderOf(sender, session.login)]
    assert isinstance(known, SenderFacts)
    return known


def needs_sender_facts(session: Session, sender: Address) -> Iterable[Fact]:
    return (SenderOf(sender, session.login),)


def is_not_signed_in(session: Session) -> bool:
    return session.login is None


def check_own_domain(session: Session, sender: Address) -> Finding | None:
    """authsender 1: the sender must be of the login's domain. The null sender passes: receipts use it."""
    if sender.is_null or _sender_facts(session, sender).same_domain_as_login:
        return None
    why = f"{session.login} signed in and may not send as {sender}"
    return Finding(replies.OTHER_DOMAIN_SENDER, why, "Invalid_Sender", "ORIG", "authsender")


def needs_ptr_of_listed(session: Session, sender: Address) -> Iterable[Fact]:
    listed = session.policy.badmailfrom_unknown
    hit = listed is not None and listed.find(str(sender)) is not None
    return (ClientNameOf(session.client.ip),) if hit else ()


def may_relay(session: Session) -> bool:
    return session.may_relay


def check_unknown_client(session: Session, sender: Address) -> Finding | None:
    """badmailfrom-unknown: senders of these domains come from clients that have a name."""
    listed = session.policy.badmailfrom_unknown
    entry = listed.find(str(sender)) if listed is not None else None
    if entry is None:
        return None
    known = session.facts[ClientNameOf(session.client.ip)]
    assert isinstance(known, ClientName)
    if known.has_ptr:
        return None
    if known.has_ptr is None:
        why, reply = "the DNS does not answer for the client's name", replies.PTR_LATER
    else:
        why, reply = f"{session.client.ip} has no name in the DNS", replies.UNKNOWN_CLIENT
    return Finding(reply, why, "Unknown_Host", "ORIG", "badmailfrom-unknown", entry)


def note_relay_sender(session: Session, sender: Address) -> Finding | None:
    """relaymailfrom: this message may go anywhere (class mfrelay)."""
    listed = session.policy.relaymailfrom
    entry = listed.find(str(sender)) if listed is not None and not sender.is_null else None
    session.sender_may_relay = entry is not None
    if entry is None:
        return None
    return Finding(
        None, f"{sender} may send to anywhere", "Relay_Mailfrom", "ORIG", "relaymailfrom", entry
    )


# The sender's domain in the DNS: trouble is answered at MAIL, a missing domain at RCPT.


def needs_sender_domain(session: Session, sender: Address) -> Iterable[Fact]:
    if not _is_asked(session, sender):
        return ()
    return (SenderOf(sender, session.login), DomainExists(sender.domain))


def _is_asked(session: Session, sender: Address) -> bool:
    if sender.is_null or not sender.domain or sender.domain.startswith("["):
        return False
    spared = session.policy.nomfdnscheck
    return spared is None or spared.find(str(sender)) is None


def _domain_existence(session: Session, sender: Address) -> Existence:
    if not _is_asked(session, sender) or _sender_facts(session, sender).is_local:
        return Existence.THERE
    known = session.facts[DomainExists(sender.domain)]
    assert isinstance(known, Existence)
    return known


def check_sender_domain_answers(session: Session, sender: Address) -> Finding | None:
    if _domain_existence(session, sender) is not Existence.UNKNOWN:
        return None
    why = f"the DNS does not answer about {sender.domain}"
    return Finding(replies.DNS_LATER, why, "DNS_MF", "ORIG", "mfdnscheck")


def check_sender_domain_exists(session: Session, recipient: Address) -> Finding | None:
    sender = session.sender
    if sender is None or _domain_existence(session, sender) is not Existence.MISSING:
        return None
    why = f"the domain {sender.domain} does not exist in the DNS"
    return Finding(replies.SENDER_NOT_IN_DNS, why, "DNS_MF", "ORIG", "mfdnscheck")


# SPF: an error of the DNS is answered at MAIL, the verdict at RCPT.


def spf_is_spared(session: Session) -> bool:
    """Clients that may relay, this machine and its own addresses are not asked about."""
    return session.may_relay or session.client.is_loopback or session.client.is_own


def spf_request(session: Session, sender: Address) -> SpfRequest:
    policy = session.policy
    return _spf_request(
        session.client.ip, session.helo, str(sender), policy.hostname, session.client.since,
        policy.spfrules, policy.spfguess, policy.spfexp,
    )  # fmt: skip


_spf_request = lru_cache(maxsize=256)(SpfRequest)
"""Several checks of a message ask for the same."""


def needs_spf(session: Session, sender: Address) -> Iterable[Fact]:
    return (SpfOf(spf_request(session, sender)),)


def spf_result(session: Session, sender: Address) -> SpfResult | None:
    """What was found out for this message; None when SPF was not asked."""
    known = session.facts.get(SpfOf(spf_request(session, sender)))
    return known if isinstance(known, SpfResult) else None


def check_spf_answers(session: Session, sender: Address) -> Finding | None:
    result = spf_result(session, sender)
    if result is None or verdict_of(session.policy.spfbehavior, result) != "defer":
        return None
    why = f"SPF of {result.domain} cannot be looked up: {result.problem}"
    return Finding(replies.DNS_LATER, why, "SPF_Reject", "ORIG", "spfbehavior", info=result.status.value)


def check_spf(session: Session, recipient: Address) -> Finding | None:
    """The client gets the explanation of the domain, or that of spfexp (MAIL-SPF-024)."""
    sender = session.sender
    result = spf_result(session, sender) if sender is not None else None
    if result is None or verdict_of(session.policy.spfbehavior, result) != "refuse":
        return None
    why = f"SPF of {result.domain} says {result.status.value}"
    reply = replies.spf_refusal(result.explanation)
    return Finding(reply, why, "SPF_Reject", "ORIG", "spfbehavior", info=result.status.value)


# Lists of senders, answered at RCPT.


def check_badmailfrom(session: Session, recipient: Address) -> Finding | None:
    listed, sender = session.policy.badmailfrom, session.sender
    entry = listed.find(str(sender)) if listed is not None and sender is not None else None
    if entry is None:
        return None
    why = f"the sender {sender} is listed"
    return Finding(
        replies.BAD_SENDER, why, "Bad_Mailfrom", "ORIG", "badmailfrom", entry, info=str(entry)[:1] or "@"
    )


def check_badmailpatterns(session: Session, recipient: Address) -> Finding | None:
    """The null sender is never tested: bounces must pass."""
    listed, sender = session.policy.badmailpatterns, session.sender
    if listed is None or sender is None or sender.is_null:
        return None
    entry = listed.find(sender.written)
    if entry is None:
        return None
    why = f"the sender {sender} matches a pattern"
    return Finding(replies.BAD_SENDER, why, "Bad_Mailfrom", "ORIG", "badmailpatterns", entry, info="*")
