"""Greylisting (RFC 6647): a client nobody knows is asked to come again; who queues mail does, most spam not.

Values, with what they come from: a first try must be `delay` old (5 minutes, below the first retry of
common senders), the second must come within `window` (2 days: the queues of slow senders), what passed
stays known for `lifetime` after its last mail (36 days: monthly newsletters), and a client network that
passed with `good_clients` different triplets is believed without more tries.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from enum import Enum

from heliosphere.mta.rules.clients.tcp_rules import plain_ip
from heliosphere.mta.rules.replies import Reply

GREYLISTED = Reply(451, "4.7.1", "this server does not know you yet, please try again in a few minutes")
DAY = 86_400
MAX_LOCAL = 256
"""Bytes of a local part that is looked at; the standard allows 64."""
TOUCH_AFTER = 3_600
"""Seconds between two notes that something known was seen again: a busy sender costs no write a mail."""


@dataclass(frozen=True, slots=True)
class GreylistSettings:
    """All times in seconds. `good_clients` 0: no client is ever believed as a whole."""

    delay: int = 300
    window: int = 2 * DAY
    lifetime: int = 36 * DAY
    good_clients: int = 5


@dataclass(frozen=True, slots=True)
class Triplet:
    """What is recognised: the client's network, and sender and recipient in their lasting forms."""

    network: str
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class TripletRecord:
    """Unix seconds. `has_passed`: mail was taken."""

    first: int
    last: int
    has_passed: bool = False


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """`good`: different triplets of this network that came again as they should."""

    good: int
    last: int


class GreylistReason(Enum):
    NEW = "first try"
    TOO_EARLY = "came again too early"
    CAME_AGAIN = "came again"
    KNOWN = "known"
    GOOD_CLIENT = "client is known to come again"
    UNAVAILABLE = "greylist cannot be read"
    """The store is busy or broken; mail is taken."""


@dataclass(frozen=True, slots=True)
class GreylistDecision:
    """`wait`: seconds until another try is welcome. `triplet` and `client` are to be stored unless None."""

    accept: bool
    reason: GreylistReason
    wait: int = 0
    triplet: TripletRecord | None = None
    client: ClientRecord | None = None

    def reply(self) -> Reply | None:
        return None if self.accept else GREYLISTED


# Recognising


def make_triplet(ip: str, sender: str, recipient: str) -> Triplet:
    """Large senders try from several machines of one network, so IPv4 counts by /24 and IPv6 by /64."""
    address = plain_ip(ip)
    network = ipaddress.ip_network(f"{address}/{64 if ':' in address else 24}", strict=False)
    return Triplet(str(network), lasting_sender(sender), recipient.lower())


_SRS0 = re.compile(r"srs0[=+-][^=]*=[^=]*=(?P<host>[^=]+)=(?P<user>.+)\Z")
_SRS1 = re.compile(r"srs1[=+-][^=]*=(?P<hop>[^=]+)=[=+-][^=]*=[^=]*=(?P<host>[^=]+)=(?P<user>.+)\Z")
_BATV = re.compile(r"prvs=(?:[0-9]{4}[0-9a-f]{6}=(?P<user>.+)|(?P<first>.+)/[0-9]{4}[0-9a-f]{6})\Z")
_OLD_BATV = re.compile(r"btv1==[^=]*==(?P<user>.+)\Z")
_VERP = re.compile(r"(?P<list>.+?)[-+](?P<user>[^=+-][^=]*)=[^=.]+(\.[^=.]+)+\Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MIXED = re.compile(r"(?<![a-z0-9])(?=[a-z0-9]*[0-9])[a-z0-9]{8,}(?![a-z0-9])")
_DIGITS = re.compile(r"[0-9]+")


def lasting_sender(sender: str) -> str:
    """The sender without what changes from mail to mail: SRS and BATV tags, VERP, serial numbers.

    Two senders may become one by it; that only means that one of them is believed too soon.
    """
    local, at, domain = sender.lower().rpartition("@")
    if not at or len(local) > MAX_LOCAL:
        return sender.lower()
    if (found := _SRS1.match(local) or _SRS0.match(local)) is not None:
        local = f"srs={found['host']}={_without_tag(found['user'])}"
    else:
        local = _without_tag(local)
    return f"{_without_serials(local)}@{domain}"


def _without_tag(local: str) -> str:
    if (found := _BATV.match(local)) is not None:
        return found["user"] or found["first"]
    if (found := _OLD_BATV.match(local)) is not None:
        return found["user"]
    if (found := _VERP.match(local)) is not None:
        return found["list"]
    return local


def _without_serials(local: str) -> str:
    return _DIGITS.sub("#", _MIXED.sub("#", _UUID.sub("#", local)))


# Deciding


def judge_greylisting(
    known: TripletRecord | None, client: ClientRecord | None, now: int, settings: GreylistSettings
) -> GreylistDecision:
    """May the mail be taken now, and what must be remembered of this try?"""
    if client is not None and _is_good(client, now, settings):
        return GreylistDecision(True, GreylistReason.GOOD_CLIENT, client=_touched(client, now))
    if known is None or _is_over(known, now, settings):
        return GreylistDecision(False, GreylistReason.NEW, settings.delay, TripletRecord(now, now))
    if known.has_passed:
        return GreylistDecision(True, GreylistReason.KNOWN, triplet=_seen_again(known, now))
    wait = known.first + settings.delay - now
    if wait > 0:
        return GreylistDecision(False, GreylistReason.TOO_EARLY, min(wait, settings.delay))
    good = client.good + 1 if client is not None and not _is_forgotten(client, now, settings) else 1
    return GreylistDecision(
        True, GreylistReason.CAME_AGAIN, 0, TripletRecord(known.first, now, True), ClientRecord(good, now)
    )


def _is_over(known: TripletRecord, now: int, settings: GreylistSettings) -> bool:
    """A first try in the future means the clock was set back: it is forgotten, or it would wait for long."""
    if known.first > now + settings.delay:
        return True
    if known.has_passed:
        return now - known.last > settings.lifetime
    return now - known.first > settings.window


def _is_forgotten(client: ClientRecord, now: int, settings: GreylistSettings) -> bool:
    return now - client.last > settings.lifetime


def _is_good(client: ClientRecord, now: int, settings: GreylistSettings) -> bool:
    return 0 < settings.good_clients <= client.good and not _is_forgotten(client, now, settings)


def _touched(client: ClientRecord, now: int) -> ClientRecord | None:
    return replace(client, last=now) if now - client.last >= TOUCH_AFTER else None


def _seen_again(known: TripletRecord, now: int) -> TripletRecord | None:
    return replace(known, last=now) if now - known.last >= TOUCH_AFTER else None
