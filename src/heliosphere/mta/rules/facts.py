"""Facts that checks need from the world, each a question as a plain value.

A check names the facts it needs; the session fetches what is not known yet, for all coming checks at the
same time. Those that come from the DNS say here how they are found; the others belong to the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.clients.block_lists import ListZone, check_lists
from heliosphere.mta.rules.dns_facts import Asking, client_name, mail_domain_exists
from heliosphere.mta.rules.origin.spf import SpfRequest, check_host


@dataclass(frozen=True, slots=True)
class ClientNameOf:
    """Answer: ClientName."""

    ip: str


@dataclass(frozen=True, slots=True)
class DomainExists:
    """Answer: Existence. Of a mail domain or of a greeting."""

    domain: str


@dataclass(frozen=True, slots=True)
class SpfOf:
    """Answer: SpfResult."""

    request: SpfRequest


@dataclass(frozen=True, slots=True)
class ListsOf:
    """Answer: ListVerdict."""

    ip: str
    zones: tuple[ListZone, ...]
    fail_closed: bool
    bounce: bool


@dataclass(frozen=True, slots=True)
class SenderOf:
    """Answer: SenderFacts."""

    sender: Address
    login: str | None


@dataclass(frozen=True, slots=True)
class RecipientOf:
    """Answer: RecipientFacts. `size`: what the client declared, 0 when it did not."""

    recipient: Address
    size: int


@dataclass(frozen=True, slots=True)
class GreylistedOf:
    """Answer: GreylistDecision."""

    ip: str
    sender: Address
    recipient: Address


Fact = ClientNameOf | DomainExists | SpfOf | ListsOf | SenderOf | RecipientOf | GreylistedOf


class Unavailable:
    """In the place of an answer: it cannot be had at the moment. `reason` is for the log."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """`is_local`: is the sender's domain held here? `same_domain_as_login`: aliases count as the real one."""

    is_local: bool = False
    same_domain_as_login: bool = False


class Mailbox(Enum):
    """What stands behind a local address."""

    FOUND = "found"
    ABSENT = "absent"
    CLOSED = "closed"
    DISCARDS = "discards"


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """`is_accepted_domain`: is mail of strangers taken for it? `mailbox` None: not held here.

    `is_full`: at or over its quota, or would be with the size the client declared. `detail` says in words
    how the address was found.
    """

    is_accepted_domain: bool
    mailbox: Mailbox | None = None
    is_full: bool = False
    detail: str = ""


def asking_for(fact: Fact) -> Asking[object] | None:
    """How the DNS answers `fact`; None for one that it does not."""
    if isinstance(fact, ClientNameOf):
        return client_name(fact.ip)
    if isinstance(fact, DomainExists):
        return mail_domain_exists(fact.domain)
    if isinstance(fact, SpfOf):
        return check_host(fact.request)
    if isinstance(fact, ListsOf):
        return check_lists(fact.ip, fact.zones, fail_closed=fact.fail_closed, bounce=fact.bounce)
    return None
