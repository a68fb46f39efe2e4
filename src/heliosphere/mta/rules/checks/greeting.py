"""Is the name good that the client greeted with? Answered at RCPT, like most verdicts on the session."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.dns_facts import ClientName, Existence
from heliosphere.mta.rules.facts import ClientNameOf, DomainExists, Fact
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.session import Session


def is_spared(session: Session) -> bool:
    """splithorizon: clients that may relay skip five checks (rules G11, G12)."""
    return session.policy.splithorizon and session.may_relay


def check_order(session: Session, address: Address) -> Finding | None:
    """stricthelocheck: HELO or EHLO must have been given."""
    if session.greeted:
        return None
    return Finding(
        replies.HELO_FIRST, "no HELO or EHLO was given", "Bad_Helo", "SNDR", "stricthelocheck", info="missing"
    )


def needs_client_name(session: Session, address: Address) -> Iterable[Fact]:
    greetings = session.policy.badhelo
    asks = greetings is not None and greetings.needs_name is not None and session.helo
    return (ClientNameOf(session.client.ip),) if asks else ()


def check_badhelo(session: Session, address: Address) -> Finding | None:
    greetings = session.policy.badhelo
    assert greetings is not None
    known = session.facts.get(ClientNameOf(session.client.ip))
    name = known.name if isinstance(known, ClientName) and known.has_ptr is not None else None
    entry = greetings.find(session.helo, name)
    if entry is None:
        return None
    why = f"the greeting {session.helo} is listed"
    return Finding(replies.BAD_HELO, why, "Bad_Helo", "SNDR", "badhelo", entry)


def _address_in(helo: str) -> str | None:
    """The IP address a greeting consists of, in brackets or bare; None for a name."""
    text = helo[1:-1] if helo.startswith("[") and helo.endswith("]") else helo
    if text[:5].upper() == "IPV6:":
        text = text[5:]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def needs_helo_in_dns(session: Session, address: Address) -> Iterable[Fact]:
    if not session.helo or _address_in(session.helo) is not None:
        return ()
    return (DomainExists(session.helo.rstrip(".").lower()),)


def _helo_existence(session: Session) -> Existence:
    literal = _address_in(session.helo)
    if literal is not None:
        same = literal == str(ipaddress.ip_address(session.client.ip))
        return Existence.THERE if same else Existence.MISSING
    if not session.helo:
        return Existence.THERE
    known = session.facts[DomainExists(session.helo.rstrip(".").lower())]
    assert isinstance(known, Existence)
    return known


def check_helo_answers(session: Session, address: Address) -> Finding | None:
    """helodnscheck at MAIL: DNS trouble asks the client to come again."""
    if _helo_existence(session) is not Existence.UNKNOWN:
        return None
    why = f"the DNS does not answer about the greeting {session.helo}"
    return Finding(replies.DNS_LATER, why, "DNS_HELO", "SNDR", "helodnscheck")


def check_helo_exists(session: Session, address: Address) -> Finding | None:
    """helodnscheck at RCPT. A greeting that is an address must be the client's own."""
    if _helo_existence(session) is not Existence.MISSING:
        return None
    why = f"the greeting {session.helo} does not exist in the DNS"
    return Finding(replies.HELO_NOT_IN_DNS, why, "DNS_HELO", "SNDR", "helodnscheck")
