"""DNS block lists: the lines of `rblhosts`, what a list's answer means, and what a listed client hears.

The semantics are rblsmtpd's, with lists that only have A records, lists of good clients, and IPv6.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from heliosphere.mta.rules.clients.tcp_rules import plain_ip
from heliosphere.mta.rules.dns_facts import (
    Asking,
    DnsAnswer,
    DnsQuestion,
    DnsStatus,
    Kind,
    reversed_labels,
)
from heliosphere.mta.rules.replies import Reply

MAX_TEXT = 500
"""Bytes of a list's text that a client is told."""
_ZONE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+\Z")
_LISTED_RANGE = ipaddress.IPv4Network("127.0.0.0/8")
"""Answers elsewhere are no listing: a zone that was given up often answers everything with a web server."""
LOOKUP_FAILED = "a block list cannot be asked at the moment"
"""Does not name the zone: a bought list has the customer's code in it."""
TIME_LIMIT = 60
"""Seconds that a refused client may keep the classic conversation open."""


@dataclass(frozen=True, slots=True)
class ListZone:
    """One list. `text` None: the TXT record is asked, and is the message; else the A record."""

    zone: str
    text: str | None = None
    is_white: bool = False
    line: int = 0

    def question(self, ip: str) -> DnsQuestion:
        kind: Kind = "TXT" if self.text is None and not self.is_white else "A"
        return DnsQuestion(f"{reversed_labels(ip)}.{self.zone}", kind)


@dataclass(frozen=True, slots=True)
class ZoneProblem:
    """What is wrong with line `line` (from 1). A line with a warning is used all the same."""

    line: int
    source: str
    reason: str
    is_warning: bool = False


class ListOutcome(Enum):
    NOT_LISTED = "not listed"
    ALLOWED = "allowed"
    """On a list of good clients, or exempt: nothing more is asked."""
    LISTED = "listed"
    FAILED = "failed"
    """A list could not be asked, and that counts (flagfailclosed)."""


@dataclass(frozen=True, slots=True)
class ListVerdict:
    """`code` 0 means the client may go on. `zone` and `line` name the list that decided; `asked` is every
    question that was put, with its answer, in file order."""

    outcome: ListOutcome
    code: int = 0
    status: str = ""
    text: str = ""
    zone: str = ""
    line: int = 0
    asked: tuple[tuple[DnsQuestion, DnsAnswer], ...] = ()

    @property
    def is_refused(self) -> bool:
        return self.code != 0

    def reply(self) -> Reply | None:
        return Reply(self.code, self.status, self.text) if self.is_refused else None


# The file


def parse_zones(lines: Iterable[str]) -> tuple[tuple[ListZone, ...], tuple[ZoneProblem, ...]]:
    """The lists in file order, and lines that are left out. Comments and empty lines keep their number."""
    zones: list[ListZone] = []
    problems: list[ZoneProblem] = []
    for number, source in enumerate(lines, 1):
        line = source.rstrip(" \t\r\n")
        if not line or line.startswith("#"):
            continue
        found = _parse_zone(number, line)
        if isinstance(found, str):
            problems.append(ZoneProblem(number, line, found))
            continue
        zones.append(found)
        if found.text is not None and " " in found.text and not line.startswith('"'):
            reason = "a text with blanks belongs in quotation marks"
            problems.append(ZoneProblem(number, line, reason, is_warning=True))
    return tuple(zones), tuple(problems)


def _parse_zone(number: int, line: str) -> ListZone | str:
    """The list, or why the line cannot be one."""
    if line.startswith('"'):
        unquoted = _unquoted(line)
        if unquoted is None:
            return "the quotation mark is not closed"
        line = unquoted
    is_white = line.startswith("a:")
    zone, colon, text = line.removeprefix("a:").partition(":")
    zone, text = zone.strip(" \t"), text.strip(" \t")
    if not _ZONE.match(zone):
        return "the name of a list has a dot, and only letters, digits, - and _ between dots"
    if is_white or not colon:
        return ListZone(zone.lower(), None, is_white, number)
    return ListZone(zone.lower(), text or "%IP% is listed", False, number)


def _unquoted(line: str) -> str | None:
    body = line[1:]
    if not body.endswith('"') or _backslashes_at_end(body[:-1]) % 2:
        return None
    return re.sub(r'\\(["\\])', r"\1", body[:-1])


def _backslashes_at_end(text: str) -> int:
    return len(text) - len(text.rstrip("\\"))


# Asking


def check_lists(
    ip: str, zones: tuple[ListZone, ...], *, fail_closed: bool = False, bounce: bool = False
) -> Asking[ListVerdict]:
    """Ask every list at once; the first in file order that has something to say decides.

    `fail_closed` (flagfailclosed): a list that fails refuses for now, whatever `bounce` says, and a list of
    good clients that fails has nobody on it. Otherwise a failing list lists nobody, a failing list of good
    clients lets the client in. After any failure a later listing is never more than temporary.
    `bounce` (flagrblbounce): a listing is permanent, 553 rather than 451.
    """
    if not zones:
        return ListVerdict(ListOutcome.NOT_LISTED)
    address = plain_ip(ip)
    questions = tuple(zone.question(address) for zone in zones)
    answers = yield questions
    return judge_answers(address, zones, answers, fail_closed=fail_closed, bounce=bounce)


def judge_answers(
    ip: str, zones: tuple[ListZone, ...], answers: tuple[DnsAnswer, ...], *,
    fail_closed: bool = False, bounce: bool = False,
) -> ListVerdict:  # fmt: skip
    """The verdict once the answers are there, one for each zone; see check_lists."""
    asked = tuple((zone.question(ip), answer) for zone, answer in zip(zones, answers, strict=True))
    has_failed = False
    for zone, answer in zip(zones, answers, strict=True):
        if answer.status is DnsStatus.FAILED:
            has_failed = True
            verdict = _failure(zone, fail_closed=fail_closed)
        else:
            verdict = _listing(zone, answer, ip, bounce=bounce, at_most_temporary=has_failed)
        if verdict is not None:
            return replace(verdict, zone=zone.zone, line=zone.line, asked=asked)
    return ListVerdict(ListOutcome.NOT_LISTED, asked=asked)


def _failure(zone: ListZone, *, fail_closed: bool) -> ListVerdict | None:
    if zone.is_white:
        return None if fail_closed else ListVerdict(ListOutcome.ALLOWED)
    return ListVerdict(ListOutcome.FAILED, 451, "4.3.0", LOOKUP_FAILED) if fail_closed else None


def _listing(
    zone: ListZone, answer: DnsAnswer, ip: str, *, bounce: bool, at_most_temporary: bool
) -> ListVerdict | None:
    if zone.text is None and not zone.is_white:
        return _refusal("".join(answer.values), bounce, at_most_temporary) if any(answer.values) else None
    if not any(_is_listing(value) for value in answer.values):
        return None
    if zone.is_white:
        return ListVerdict(ListOutcome.ALLOWED)
    return _refusal((zone.text or "").replace("%IP%", ip), bounce, at_most_temporary)


def _is_listing(value: str) -> bool:
    try:
        return ipaddress.IPv4Address(value) in _LISTED_RANGE
    except ValueError:
        return False


def _refusal(text: str, bounce: bool, at_most_temporary: bool = False) -> ListVerdict:
    """A text that begins with `-` insists on 553, without the sign."""
    is_permanent = (bounce or text.startswith("-")) and not at_most_temporary
    code, status = (553, "5.7.1") if is_permanent else (451, "4.7.1")
    return ListVerdict(ListOutcome.LISTED, code, status, printable(text.removeprefix("-")))


def printable(text: str) -> str:
    """What may stand in a reply: ASCII signs only, others as `?`, at most 500 bytes."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:MAX_TEXT])


# Without asking


def verdict_of_rule(rblsmtpd: str | None, *, bounce: bool = False) -> ListVerdict | None:
    """What RBLSMTPD of the client's tcp.smtp rule says; None: it is not set, so the lists are asked.

    Empty exempts from all lists. A text refuses with it; `-` in front makes that permanent.
    """
    if rblsmtpd is None:
        return None
    if not rblsmtpd:
        return ListVerdict(ListOutcome.ALLOWED, zone="RBLSMTPD")
    return replace(_refusal(rblsmtpd, bounce), zone="RBLSMTPD")


# The classic conversation

_GREETING, _ACCEPTED, _BYE = Reply(220, "", ""), Reply(250, "", ""), Reply(221, "", "", close=True)


def classic_greeting(hostname: str) -> Reply:
    return replace(_GREETING, text=hostname)


def classic_answer(command: str, verdict: ListVerdict, hostname: str) -> Reply:
    """What a listed client is told when the lists are asked before the session (rblsmtpd's own small SMTP):
    it may greet, name a sender, reset and leave; everything else is the refusal. No TLS, no AUTH."""
    verb = command.strip(" \t\r\n").partition(" ")[0].upper()
    if verb == "QUIT":
        return replace(_BYE, text=hostname)
    if verb in ("HELO", "EHLO", "MAIL", "RSET", "NOOP"):
        return replace(_ACCEPTED, text=hostname)
    return Reply(verdict.code, verdict.status, verdict.text)


def log_line(ip: str, pid: int, verdict: ListVerdict | Reply) -> str:
    """`IP pid N: CODE text`, what rblsmtpd says of a refusal, for the syslog target of rblsyslog."""
    return f"{ip} pid {pid}: {verdict.code} {verdict.text}"
