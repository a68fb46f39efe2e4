"""What an SPF check is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from heliosphere.mta.rules.dns_facts import DnsAnswer, DnsQuestion


class SpfStatus(StrEnum):
    """RFC 7208, 2.6. permerror is what qmail's patches called unknown, temperror what they called error."""

    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class SpfSource(StrEnum):
    """Whose rules decided. Only what a domain published counts for DMARC."""

    PUBLISHED = "published"
    GUESS = "spfguess"
    LOCAL = "spfrules"


@dataclass(frozen=True, slots=True)
class SpfLimits:
    """RFC 7208, 4.6.4. More than `terms`, `void` or `mx` is a permerror; PTR names beyond `ptr` are
    left out. The control's local rules have a budget of their own."""

    terms: int = 10
    void: int = 2
    mx: int = 10
    ptr: int = 10


RFC_7208 = SpfLimits()


@dataclass(frozen=True, slots=True)
class SpfRequest:
    """`sender` is the reverse path without brackets, "" for the null sender: then HELO is checked as
    `postmaster@helo`. `receiver` is the name of this host. `rules`, `guess` and `explanation` are the
    values of spfrules, spfguess and spfexp. `now` is only for the macro `%{t}`."""

    ip: str
    helo: str
    sender: str
    receiver: str
    now: datetime
    rules: str = ""
    guess: str = ""
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class SpfResult:
    """`domain` is what was checked. `explanation` has the text for a refusal, lines apart by LF; it is
    empty for pass and temperror. `lookups` is what the DNS said, in order. `mechanism` is the term that
    decided, "" when none did. `problem` says what is broken for permerror, temperror and some nones."""

    status: SpfStatus
    domain: str
    explanation: str = ""
    lookups: tuple[tuple[DnsQuestion, DnsAnswer], ...] = ()
    mechanism: str = ""
    problem: str = ""
    source: SpfSource = SpfSource.PUBLISHED
