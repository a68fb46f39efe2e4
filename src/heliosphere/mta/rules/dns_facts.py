"""Questions to the DNS and their answers as plain values.

Rules that need the DNS are generators: they yield a tuple of questions, which may be asked at the same
time, and are sent the answers in the same order. So the same rule runs on a live resolver, on a cache
that answers at once, on a recorded session and on a zone written down in a test.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeVar

T = TypeVar("T")
Kind = Literal["A", "AAAA", "MX", "TXT", "PTR"]


@dataclass(frozen=True, slots=True)
class DnsQuestion:
    """`name` in lower case, without the final dot."""

    name: str
    kind: Kind


class DnsStatus(Enum):
    FOUND = "found"
    NO_DATA = "no data"
    """The name exists, but has nothing of the kind."""
    NO_NAME = "no such name"
    FAILED = "failed"
    """Timeout, SERVFAIL and the like: nobody knows."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """`values` as text: addresses for A and AAAA, `preference host` for MX (host `.` is a null MX), one
    joined string a TXT record (each character one byte, latin-1), names without final dot for PTR.
    `ttl` in seconds."""

    status: DnsStatus
    values: tuple[str, ...] = ()
    ttl: int = 0


Asking = Generator[tuple[DnsQuestion, ...], tuple[DnsAnswer, ...], T]

FAILED = DnsAnswer(DnsStatus.FAILED)
NO_NAME = DnsAnswer(DnsStatus.NO_NAME)
NO_DATA = DnsAnswer(DnsStatus.NO_DATA)


def answer_from(answer: Callable[[DnsQuestion], DnsAnswer], asking: Asking[T]) -> T:
    """Run `asking` to its end with answers that are there at once."""
    try:
        questions = next(asking)
        while True:
            questions = asking.send(tuple(answer(one) for one in questions))
    except StopIteration as end:
        result: T = end.value
        return result


class Existence(Enum):
    """Can mail be for this domain, or this host be meant?"""

    THERE = "exists"
    MISSING = "does not exist"
    UNKNOWN = "cannot be looked up"


def mail_domain_exists(domain: str) -> Asking[Existence]:
    """MX, A or AAAA; a null MX (RFC 7505) counts as missing."""
    name = domain.rstrip(".").lower()
    answers = yield (DnsQuestion(name, "MX"), DnsQuestion(name, "A"), DnsQuestion(name, "AAAA"))
    exchangers = answers[0]
    if exchangers.status is DnsStatus.FOUND:
        is_null = all(one.split()[-1] == "." for one in exchangers.values)
        return Existence.MISSING if is_null else Existence.THERE
    if any(one.status is DnsStatus.FOUND for one in answers):
        return Existence.THERE
    if any(one.status is DnsStatus.FAILED for one in answers):
        return Existence.UNKNOWN
    return Existence.MISSING


def reverse_name(ip: str) -> str:
    """`2.0.0.192.in-addr.arpa` and its like for IPv6."""
    return ipaddress.ip_address(ip).reverse_pointer


def reversed_labels(ip: str) -> str:
    """The address as DNS lists have it: octets or nibbles in reverse, without the arpa ending."""
    return reverse_name(ip).rsplit(".", 2)[0]


@dataclass(frozen=True, slots=True)
class ClientName:
    """`has_ptr`: is there any PTR record? None when the DNS failed. `name`: the first PTR name whose own
    address records lead back to the client, lower case; empty when none does."""

    has_ptr: bool | None
    name: str = ""


MAX_PTR_NAMES = 10


def client_name(ip: str) -> Asking[ClientName]:
    """The client's host name, confirmed both ways: a PTR alone can say anything."""
    (pointers,) = yield (DnsQuestion(reverse_name(ip), "PTR"),)
    if pointers.status is DnsStatus.FAILED:
        return ClientName(None)
    if pointers.status is not DnsStatus.FOUND:
        return ClientName(False)
    address = ipaddress.ip_address(ip)
    names = [one.rstrip(".").lower() for one in pointers.values[:MAX_PTR_NAMES]]
    answers = yield tuple(DnsQuestion(name, "A" if address.version == 4 else "AAAA") for name in names)
    for name, answer in zip(names, answers, strict=True):
        if any(ipaddress.ip_address(one) == address for one in answer.values):
            return ClientName(True, name)
    return ClientName(True)
