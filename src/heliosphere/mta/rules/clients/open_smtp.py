"""open-smtp: addresses from which somebody read mail lately, and which may therefore send for a while."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heliosphere.mta.rules.clients.tcp_rules import plain_ip

OPEN_RULE = 'allow,RELAYCLIENT="",RBLSMTPD=""'
OPEN_DATA = b"+RELAYCLIENT=\0+RBLSMTPD=\0"
"""The record of such a line in tcp.smtp.cdb."""
FRESH = 30
"""Seconds within which a second sign-in does not write the file again."""
MAX_MINUTES = 525_600
"""A year: the largest lifetime."""


@dataclass(frozen=True, slots=True)
class OpenAddress:
    """`since`: Unix seconds of the last sign-in from `ip`."""

    ip: str
    since: int

    def rule(self) -> str:
        return f"{self.ip}:{OPEN_RULE}"

    def line(self) -> str:
        return f"{self.rule()}\t{self.since}"


def parse_open_smtp(text: str) -> tuple[OpenAddress, ...]:
    """The usable lines. One without a tab, a time or a real address is gone with the next write."""
    found = (_parse_line(line) for line in text.split("\n"))
    return tuple(one for one in found if one is not None)


def _parse_line(line: str) -> OpenAddress | None:
    rule, tab, time = line.rstrip(" \t\r").partition("\t")
    ip, allow, _ = rule.rpartition(":allow")
    time = time.strip()
    if not tab or not allow or not (time.isascii() and time.isdecimal()):
        return None
    try:
        return OpenAddress(plain_ip(ip), int(time[:18]))
    except ValueError:
        return None


def render(addresses: Iterable[OpenAddress]) -> str:
    return "".join(f"{one.line()}\n" for one in addresses)


def opens_nothing(ip: str) -> bool:
    """Loopback is never written: web mail signs in from there for everybody."""
    return ipaddress.ip_address(plain_ip(ip)).is_loopback


@dataclass(frozen=True, slots=True)
class AfterLogin:
    """`is_new`: the address was not there, so the cdb must be made again. `is_same`: nothing to write."""

    addresses: tuple[OpenAddress, ...]
    is_new: bool = False
    is_same: bool = False


def after_login(addresses: tuple[OpenAddress, ...], ip: str, now: int) -> AfterLogin:
    """A known address only gets the new time."""
    ip = plain_ip(ip)
    known = next((one for one in addresses if one.ip == ip), None)
    if known is None:
        return AfterLogin((*addresses, OpenAddress(ip, now)), is_new=True)
    if 0 <= now - known.since < FRESH:
        return AfterLogin(addresses, is_same=True)
    return AfterLogin(tuple(OpenAddress(ip, now) if one.ip == ip else one for one in addresses))


def is_expired(since: int, now: int, minutes: int) -> bool:
    """Exactly at the end of its lifetime an entry is over."""
    return since + min(minutes, MAX_MINUTES) * 60 <= now


def without_expired(addresses: Iterable[OpenAddress], now: int, minutes: int) -> tuple[OpenAddress, ...]:
    return tuple(one for one in addresses if not is_expired(one.since, now, minutes))


def merged(tcp_smtp: str, addresses: Iterable[OpenAddress]) -> str:
    """The text tcp.smtp.cdb is made from. Hand-written rules stand first, so they win."""
    head = tcp_smtp if not tcp_smtp or tcp_smtp.endswith("\n") else tcp_smtp + "\n"
    return head + "".join(f"{one.rule()}\n" for one in addresses)


def times_by_ip(addresses: Iterable[OpenAddress]) -> Mapping[str, int]:
    """The latest sign-in of each address."""
    found: dict[str, int] = {}
    for one in addresses:
        found[one.ip] = max(one.since, found.get(one.ip, 0))
    return found
