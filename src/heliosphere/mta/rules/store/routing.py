"""Where an address goes: a domain served here, a fixed route, or the remote host's own exchangers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.store.quota import Quota


class DomainTable:
    """The lists `locals` and `virtualdomains`. Names are compared without regard to case."""

    def __init__(self, local: Iterable[str] | None, virtual: Iterable[str] | None, me: str) -> None:
        self._local = frozenset(one.lower() for one in ([me] if local is None else local))
        self._virtual = dict(_split_entry(one) for one in virtual or ())

    def is_local(self, address: Address) -> bool:
        """Is the address's mail delivered on this machine?"""
        return address.domain in self._local or bool(self._prefix(address))

    def domains(self) -> frozenset[str]:
        whole = {key for key in self._virtual if "@" not in key and not key.startswith(".") and key}
        return self._local | whole

    def _prefix(self, address: Address) -> str | None:
        """Most exact entry first: user@domain, domain, .suffixes from the longest, the empty entry."""
        for key in (f"{address.local.lower()}@{address.domain}", address.domain):
            if key in self._virtual:
                return self._virtual[key]
        return self._virtual.get(next(iter(matching_suffixes(address.domain, self._virtual)), ""))


class AcceptTable:
    """The lists rcpthosts and morercpthosts: `d.test` is that domain, `.d.test` all below it."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = frozenset(entry.lower() for entry in entries)

    def accepts(self, domain: str) -> bool:
        if domain in self._entries:
            return True
        return any(True for _ in matching_suffixes(domain, self._entries))


def matching_suffixes(domain: str, entries: Iterable[str]) -> Iterable[str]:
    """Entries of the form `.suffix` that cover `domain`, longest first."""
    known = entries if isinstance(entries, frozenset | set | dict) else frozenset(entries)
    at = domain.find(".")
    while at >= 0:
        if domain[at:] in known:
            yield domain[at:]
        at = domain.find(".", at + 1)


@dataclass(frozen=True, slots=True)
class Route:
    """A fixed next hop of smtproutes."""

    host: str
    port: int


def route_for(domain: str, routes: Iterable[str]) -> Route | None:
    """The relay for a domain: full name, then suffixes, then the empty entry; None means its own hosts.

    An address in brackets may hold colons, as `domain:[::1]:25`.
    """
    table = dict(_split_entry(one) for one in routes)
    for key in (domain, *matching_suffixes(domain, table), ""):
        if key in table:
            return parse_host_port(table[key], 25)
    return None


def parse_host_port(text: str, default_port: int) -> Route | None:
    """`host`, `host:port` or `[address]:port`; None when there is no host in it."""
    text = text.strip()
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    if not host:
        return None
    if not port:
        return Route(host, default_port)
    return Route(host, int(port)) if port.isascii() and port.isdigit() and 0 < int(port) < 65536 else None


def _split_entry(entry: str) -> tuple[str, str]:
    key, _, value = entry.partition(":")
    return key.strip().lower(), value


class Standing(Enum):
    """What a local address is."""

    MAILBOX = "mailbox"
    EXPANDS = "expands"
    """It forwards, or is delivered to several places."""
    DISCARDS = "discards"
    ABSENT = "absent"
    CLOSED = "closed"
    UNSUPPORTED = "unsupported"
    """Its .qmail file asks for something this engine does not do; such mail waits."""


@dataclass(frozen=True, slots=True)
class MailboxTarget:
    """A Maildir and the limit on it. `address` is the real one, alias domains resolved.

    `folder` is a Maildir++ folder such as ".Spam", empty for the inbox; the quota is of the whole.
    """

    address: str
    maildir: str
    quota: Quota
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a local address stands for."""

    standing: Standing
    mailboxes: tuple[MailboxTarget, ...] = ()
    forwards: tuple[Address, ...] = ()
    detail: str = field(default="")
