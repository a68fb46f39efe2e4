"""The ARC chain of a message, verified (RFC 8617, 5.2)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from heliosphere.mta.rules.dns_facts import Asking, DnsAnswer, DnsQuestion
from heliosphere.mta.rules.origin.message_signatures.dkim import (
    Signature,
    body_matches,
    common_signature,
    covers_part,
    header_matches,
    time_trouble,
)
from heliosphere.mta.rules.origin.message_signatures.keys import (
    ALGORITHMS,
    KeyUnusable,
    is_signed_by,
    key_from,
    key_question,
)
from heliosphere.mta.rules.origin.message_signatures.message import MAX_HEADER, Field, SignedMessage
from heliosphere.mta.rules.origin.message_signatures.tags import (
    TagError,
    base64_value,
    needed,
    number,
    parse_tags,
    without_signature,
)
from heliosphere.mta.rules.origin.spf.names import checked_domain

MAX_ARC_SETS = 50
"""RFC 8617, 4.2.1."""
ArcStatus = Literal["none", "pass", "fail"]
_KINDS = ("arc-authentication-results", "arc-message-signature", "arc-seal")
_INSTANCE = re.compile(r"[ \t]*i[ \t]*=[ \t]*([1-9][0-9]?)[ \t]*;")


@dataclass(frozen=True, slots=True)
class ArcResult:
    """`length` counts the sets. `sealer` is the domain of the newest seal. `ended`: a seal already says
    that the chain was broken on the way, so nobody adds to it (5.1.2)."""

    status: ArcStatus
    length: int = 0
    sealer: str = ""
    reason: str = ""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class _Seal:
    field: Field
    domain: str
    selector: str
    algorithm: str
    verdict: str
    value: bytes


@dataclass(frozen=True, slots=True)
class _Set:
    results: Field
    message: Field
    seal: _Seal


class _Broken(Exception):
    """Why the chain does not hold."""


def verify_arc(message: SignedMessage, now: datetime) -> Asking[ArcResult]:
    """The chain as a whole: newest message signature and every seal. All keys are asked for at once."""
    if not any(message.named(kind) for kind in _KINDS):
        return ArcResult("none")
    if message.header_size > MAX_HEADER:
        return ArcResult("fail", reason="header is too large to check")
    sets: list[_Set] = []
    try:
        sets = _sets(message)
        newest = _message_signature(sets[-1].message, now)
        _check_verdicts(sets)
        if not body_matches(message, newest) or covers_part(message, newest):
            raise _Broken("body hash does not match")
        yield from _check_keys(message, sets, newest)
    except (TagError, KeyUnusable, _Broken) as error:
        return ArcResult("fail", len(sets), _sealer(sets), str(error), _ended(sets))
    return ArcResult("pass", len(sets), _sealer(sets))


def _check_keys(message: SignedMessage, sets: list[_Set], newest: Signature) -> Asking[None]:
    questions = [_question(newest.selector, newest.domain)]
    questions += [_question(one.seal.selector, one.seal.domain) for one in sets]
    answers = yield tuple(questions)
    if not header_matches(message, newest, key_from(answers[0], newest.algorithm)):
        raise _Broken(f"message signature {len(sets)} does not match")
    _check_seals(sets, answers[1:])


def _check_seals(sets: list[_Set], answers: tuple[DnsAnswer, ...]) -> None:
    """Each seal is over all sets up to its own, in relaxed form (5.1.1)."""
    before = b""
    for number_, (one, answer) in enumerate(zip(sets, answers, strict=True), 1):
        before += one.results.relaxed() + one.message.relaxed()
        own = Field("arc-seal", without_signature(one.seal.field.raw)).relaxed().removesuffix(b"\r\n")
        key = key_from(answer, one.seal.algorithm)
        if not is_signed_by(key, one.seal.value, before + own):
            raise _Broken(f"seal {number_} does not match")
        before += one.seal.field.relaxed()


def _sets(message: SignedMessage) -> list[_Set]:
    """Complete sets from 1 up, without gaps. Raises TagError and _Broken."""
    found: dict[tuple[str, int], Field] = {}
    for kind in _KINDS:
        for field in message.named(kind):
            key = kind, _instance(kind, field)
            if key in found:
                raise _Broken(f"two fields {kind} have i={key[1]}")
            found[key] = field
    count = max(Counter(kind for kind, _ in found).values())
    if count > MAX_ARC_SETS:
        raise _Broken("too many sets")
    wanted = {(kind, at) for kind in _KINDS for at in range(1, count + 1)}
    if wanted != found.keys():
        raise _Broken("sets are not complete")
    fields = (tuple(found[kind, at] for kind in _KINDS) for at in range(1, count + 1))
    return [_Set(results, signed, _seal(seal)) for results, signed, seal in fields]


def _instance(kind: str, field: Field) -> int:
    """An Authentication-Results copy begins with its i=; in the others it may stand anywhere."""
    value = field.value
    if kind == _KINDS[0]:
        found = _INSTANCE.match(value)
        if found is None:
            raise _Broken(f"{kind} does not begin with i=")
        return int(found[1])
    number_ = number(parse_tags(value), "i")
    if number_ is None or not 0 < number_ <= MAX_ARC_SETS:
        raise _Broken(f"{kind} has no usable i=")
    return number_


def _seal(field: Field) -> _Seal:
    """Raises TagError."""
    tags = parse_tags(field.value)
    if "h" in tags:
        raise TagError("h= in a seal")
    number(tags, "t")
    algorithm, verdict = needed(tags, "a"), needed(tags, "cv")
    if algorithm not in ALGORITHMS:
        raise TagError(f"unknown algorithm {algorithm[:30]}")
    if verdict not in ("none", "pass", "fail"):
        raise TagError("unknown cv=")
    domain = checked_domain(needed(tags, "d"))
    if domain is None:
        raise TagError("d= is no domain")
    return _Seal(field, domain, needed(tags, "s"), algorithm, verdict, base64_value(needed(tags, "b"), "b"))


def _message_signature(field: Field, now: datetime) -> Signature:
    """Raises TagError and _Broken."""
    tags = parse_tags(field.value)
    signature = common_signature(field, tags, "relaxed/relaxed")
    if "h" not in tags:
        raise TagError("tag h= is missing")
    if signature.algorithm not in ALGORITHMS:
        raise TagError("rsa-sha1 is obsolete")
    if "arc-seal" in signature.names:
        raise TagError("a seal is signed")
    if trouble := time_trouble(tags, now):
        raise _Broken(trouble)
    return signature


def _check_verdicts(sets: list[_Set]) -> None:
    """The first seal says none, all others pass (5.2, 3)."""
    for number_, one in enumerate(sets, 1):
        if one.seal.verdict != ("none" if number_ == 1 else "pass"):
            raise _Broken(f"seal {number_} says {one.seal.verdict}")


def _question(selector: str, domain: str) -> DnsQuestion:
    question = key_question(selector, domain)
    if question is None:
        raise _Broken("no name a key could have")
    return question


def _sealer(sets: list[_Set]) -> str:
    return sets[-1].seal.domain if sets else ""


def _ended(sets: list[_Set]) -> bool:
    return any(one.seal.verdict == "fail" for one in sets)
