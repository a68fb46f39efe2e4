"""DKIM signatures of a message, verified (RFC 6376, 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from heliosphere.mta.rules.dns_facts import Asking, DnsAnswer, DnsQuestion
from heliosphere.mta.rules.origin.message_signatures.keys import (
    ALGORITHMS,
    OBSOLETE,
    KeyRecord,
    KeyUnusable,
    is_signed_by,
    key_from,
    key_question,
)
from heliosphere.mta.rules.origin.message_signatures.message import (
    MAX_HEADER,
    Canonical,
    Field,
    SignedMessage,
)
from heliosphere.mta.rules.origin.message_signatures.tags import (
    TagError,
    base64_value,
    needed,
    number,
    parse_tags,
    without_signature,
    without_white,
)
from heliosphere.mta.rules.origin.spf.names import ascii_domain, checked_domain, unicode_text

MAX_SIGNATURES = 10
"""The topmost ones; the rest of a message's signatures is not looked at."""
CLOCK_SKEW = 3600
"""Seconds a signer's clock may be wrong."""

_CANONICALS: dict[str, tuple[Canonical, Canonical]] = {
    "simple": ("simple", "simple"),
    "relaxed": ("relaxed", "simple"),
    "simple/simple": ("simple", "simple"),
    "simple/relaxed": ("simple", "relaxed"),
    "relaxed/simple": ("relaxed", "simple"),
    "relaxed/relaxed": ("relaxed", "relaxed"),
}
_FIELD_NAME = re.compile(r"[!-9;-~]+")


class DkimStatus(StrEnum):
    """RFC 8601, 2.7.1.

    neutral: the signature is not written as it should be. policy: it may be genuine, but is not taken for
    one here (weak algorithm or key, expired, covers only a part). permerror: its key cannot be used.
    """

    PASS = "pass"
    FAIL = "fail"
    POLICY = "policy"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class DkimResult:
    """One signature. `domain` is d= as A-labels, `selector` s=, `algorithm` a=; `signature` has the first
    characters of b=, which tell signatures of one domain apart (RFC 6008). `reason` is for people."""

    status: DkimStatus
    domain: str = ""
    selector: str = ""
    reason: str = ""
    algorithm: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """The tags both DKIM-Signature and ARC-Message-Signature have, checked."""

    field: Field
    domain: str
    selector: str
    algorithm: str
    header_form: Canonical
    body_form: Canonical
    names: tuple[str, ...]
    body_hash: bytes
    value: bytes
    length: int | None = None


def verify_dkim(message: SignedMessage, now: datetime) -> Asking[tuple[DkimResult, ...]]:
    """A result for each of the topmost signatures, from the top down. All keys are asked for at once."""
    checks = [_Check(message, field, now) for field in message.named("dkim-signature")[:MAX_SIGNATURES]]
    wanted = [(check, question) for check in checks if (question := check.question) is not None]
    answers: tuple[DnsAnswer, ...] = ()
    if wanted:
        answers = yield tuple(question for _, question in wanted)
    for (check, _), answer in zip(wanted, answers, strict=True):
        check.judge(answer)
    return tuple(check.result for check in checks)


class _Check:
    """One signature on its way: `question` is None once its result is certain without a key."""

    def __init__(self, message: SignedMessage, field: Field, now: datetime) -> None:
        self._message = message
        self._tags: dict[str, str] = {}
        self.question: DnsQuestion | None = None
        self.result = DkimResult(DkimStatus.NEUTRAL)
        try:
            self._tags = parse_tags(field.value)
            self._signature = dkim_signature(field, self._tags)
        except TagError as error:
            self._end(DkimStatus.NEUTRAL, str(error))
            return
        if trouble := self._unacceptable(now):
            self._end(DkimStatus.POLICY, trouble)
        elif not body_matches(message, self._signature):
            self._end(DkimStatus.FAIL, "body hash does not match")
        else:
            self.question = key_question(self._signature.selector, self._signature.domain)
            self._end(DkimStatus.NEUTRAL, "no name a key could have")

    def judge(self, answer: DnsAnswer) -> None:
        try:
            key = key_from(answer, self._signature.algorithm)
        except KeyUnusable as error:
            self._end(DkimStatus(error.trouble), str(error))
            return
        _, _, identity = self._tags.get("i", "").rpartition("@")
        if key.exact and identity and not _same_domain(identity, self._signature.domain):
            self._end(DkimStatus.PERMERROR, "the key does not allow i= in a subdomain")
        elif not header_matches(self._message, self._signature, key):
            self._end(DkimStatus.FAIL, "signature does not match")
        elif covers_part(self._message, self._signature):
            self._end(DkimStatus.POLICY, f"signature covers only {self._signature.length} bytes of the body")
        elif _misses_from(self._message, self._signature):
            self._end(DkimStatus.POLICY, "signature covers only one of several From fields")
        else:
            self._end(DkimStatus.PASS, "test mode" if key.testing else "")

    def _unacceptable(self, now: datetime) -> str:
        if self._message.header_size > MAX_HEADER:
            return "header is too large to check"
        if self._signature.algorithm == OBSOLETE:
            return "rsa-sha1 is obsolete"  # RFC 8301
        return time_trouble(self._tags, now)

    def _end(self, status: DkimStatus, reason: str) -> None:
        shown = without_white(self._tags.get("b", ""))[:8]
        domain = self._tags.get("d", "")
        self.result = DkimResult(
            status,
            ascii_domain(unicode_text(domain)) or domain,
            self._tags.get("s", ""),
            reason,
            self._tags.get("a", ""),
            shown,
        )


def dkim_signature(field: Field, tags: dict[str, str]) -> Signature:
    """Raises TagError."""
    if needed(tags, "v") != "1":
        raise TagError("unknown version")
    signature = common_signature(field, tags, "simple/simple")
    if "from" not in signature.names:
        raise TagError("From is not signed")
    if "q" in tags and "dns/txt" not in without_white(tags["q"]).split(":"):
        raise TagError("unknown way to the key")
    _, at, identity = tags.get("i", f"@{signature.domain}").rpartition("@")
    if not at or not _is_or_is_below(identity, signature.domain):
        raise TagError("i= is not of d=")
    signed, expires = number(tags, "t"), number(tags, "x")
    if signed is not None and expires is not None and expires < signed:
        raise TagError("expires before it was made")
    return signature


def common_signature(field: Field, tags: dict[str, str], default_form: str) -> Signature:
    """What RFC 6376 and RFC 8617 ask of both kinds. Raises TagError."""
    algorithm = needed(tags, "a")
    if algorithm not in ALGORITHMS and algorithm != OBSOLETE:
        raise TagError(f"unknown algorithm {algorithm[:30]}")
    forms = _CANONICALS.get(tags.get("c", default_form))
    if forms is None:
        raise TagError("unknown canonical form")
    names = tuple(name.strip(" \t\r\n").lower() for name in tags.get("h", "").split(":"))
    domain = checked_domain(unicode_text(needed(tags, "d")))
    if domain is None:
        raise TagError("d= is no domain")
    return Signature(
        field,
        domain,
        unicode_text(needed(tags, "s")),
        algorithm,
        *forms,
        tuple(name for name in names if _FIELD_NAME.fullmatch(name)),
        base64_value(needed(tags, "bh"), "bh"),
        base64_value(needed(tags, "b"), "b"),
        number(tags, "l"),
    )


def time_trouble(tags: dict[str, str], now: datetime) -> str:
    """Why a signature does not hold at this time; empty if it does. Raises TagError."""
    signed, expires = number(tags, "t"), number(tags, "x")
    if expires is not None and expires + CLOCK_SKEW < now.timestamp():
        return "signature expired"
    if signed is not None and signed - CLOCK_SKEW > now.timestamp():
        return "signature is from the future"
    return ""


def body_matches(message: SignedMessage, signature: Signature) -> bool:
    if signature.length is not None and signature.length > message.body_length(signature.body_form):
        return False
    return message.body_hash(signature.body_form, signature.length) == signature.body_hash


def header_matches(message: SignedMessage, signature: Signature, key: KeyRecord) -> bool:
    form = signature.header_form
    signed = b"".join(field.canonical(form) for field in message.selected(signature.names))
    own = Field(signature.field.name, without_signature(signature.field.raw)).canonical(form)
    return is_signed_by(key, signature.value, signed + own.removesuffix(b"\r\n"))


def covers_part(message: SignedMessage, signature: Signature) -> bool:
    """With l= anything could be appended to the body (RFC 6376, 8.2)."""
    return signature.length is not None and signature.length < message.body_length(signature.body_form)


def _misses_from(message: SignedMessage, signature: Signature) -> bool:
    """A second From may be the one that people see (RFC 6376, 8.15)."""
    return len(message.named("from")) > signature.names.count("from")


def _is_or_is_below(name: str, domain: str) -> bool:
    plain = ascii_domain(unicode_text(name)) or ""
    return plain == domain or plain.endswith(f".{domain}")


def _same_domain(name: str, domain: str) -> bool:
    return ascii_domain(unicode_text(name)) == domain
