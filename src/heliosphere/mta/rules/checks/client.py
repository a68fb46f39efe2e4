"""Who is connected: may it relay, and is it on a list? Before the greeting."""

from __future__ import annotations

from collections.abc import Iterable

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.checks import steps
from heliosphere.mta.rules.checks.check import Check, Step, Table
from heliosphere.mta.rules.checks.recipient import list_finding, lists_of
from heliosphere.mta.rules.clients.block_lists import ListVerdict, verdict_of_rule
from heliosphere.mta.rules.dns_facts import ClientName
from heliosphere.mta.rules.facts import ClientNameOf, Fact, Unavailable
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.patterns import RelayGrant
from heliosphere.mta.rules.plugins.spp import Section
from heliosphere.mta.rules.session import Relay, Session

RELAYCLIENT = "RELAYCLIENT"
RBLSMTPD = "RBLSMTPD"


def has_relay(session: Session) -> bool:
    return session.may_relay


def note_tcp_rule(session: Session, nobody: Address) -> Finding | None:
    """RELAYCLIENT in the matching line of tcp.smtp, which also holds POP3 sign-ins of late."""
    suffix = session.client.environment.get(RELAYCLIENT)
    if suffix is None:
        return None
    session.relay = Relay.DYNAMIC if session.client.from_open_smtp else Relay.STATIC
    session.relay_suffix = suffix
    why = "signed in by POP3 a short while ago" if session.client.from_open_smtp else "a line of tcp.smtp"
    return Finding(None, why, "Relay_Client", "SNDR", "tcp.smtp")


def note_relayclients(session: Session, nobody: Address) -> Finding | None:
    listed = session.policy.relayclients
    return _granted(session, listed.find(session.client.ip) if listed else None, "relayclients")


def needs_name(session: Session, nobody: Address) -> Iterable[Fact]:
    return (ClientNameOf(session.client.ip),)


def note_relaydomains(session: Session, nobody: Address) -> Finding | None:
    """The name must lead back to the address: the client's own zone could claim anything."""
    listed, known = session.policy.relaydomains, session.facts[ClientNameOf(session.client.ip)]
    if listed is None or not isinstance(known, ClientName) or isinstance(known, Unavailable):
        return None
    return _granted(session, listed.find(known.name), "relaydomains")


def _granted(session: Session, grant: RelayGrant | None, control: str) -> Finding | None:
    if grant is None:
        return None
    session.relay, session.relay_suffix = Relay.STATIC, grant.suffix
    return Finding(None, "this client may send to anywhere", "Relay_Client", "SNDR", control, grant.entry)


def lists_are_skipped(session: Session) -> bool:
    """RBLSMTPD="" in tcp.smtp; lines of POP3 sign-ins carry it."""
    return session.client.environment.get(RBLSMTPD) == ""


def check_rblsmtpd(session: Session, nobody: Address) -> Finding | None:
    """A text in RBLSMTPD blocks the client with it."""
    text = session.client.environment.get(RBLSMTPD)
    return _block(session, verdict_of_rule(text, bounce=session.policy.flagrblbounce))


def needs_lists(session: Session, nobody: Address) -> Iterable[Fact]:
    return () if session.blocked is not None else (lists_of(session),)


def check_lists(session: Session, nobody: Address) -> Finding | None:
    """rblhosts in the classic form: the client is let in and refused at every recipient."""
    if session.blocked is not None:
        return None
    known = session.facts[lists_of(session)]
    return _block(session, known if isinstance(known, ListVerdict) else None)


def _block(session: Session, verdict: ListVerdict | None) -> Finding | None:
    finding = list_finding(verdict) if verdict is not None else None
    if finding is None:
        return None
    session.blocked = verdict
    return Finding(None, finding.why, finding.condition, "SNDR", "rblhosts", info=finding.info)


CONNECT: Table = (
    Check("tcp.smtp", note_tcp_rule),
    Check("relayclients", note_relayclients, lambda policy: policy.relayclients is not None, has_relay),
    Check(
        "relaydomains", note_relaydomains, lambda policy: policy.relaydomains is not None, has_relay,
        needs_name,
    ),
    Check("RBLSMTPD", check_rblsmtpd),
    Check(
        "rblhosts", check_lists, lambda policy: bool(policy.rblhosts) and not policy.rbl_is_late,
        lists_are_skipped, needs_lists,
    ),
    Step("plugins", steps.plugins(Section.CONNECTION), lambda policy: bool(policy.plugins)),
)  # fmt: skip
