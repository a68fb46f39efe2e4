"""DMARC: does the From domain stand behind this message? (RFC 7489, with RFC 9091 and RFC 9989)

Where the RFCs differ: the organizational domain comes from the public suffix list, the policy of names that
do not exist from np=, and t=y lowers the policy by one step, as does a pct= that does not choose the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import Literal

from publicsuffixlist import PublicSuffixList

from heliosphere.mta.rules.dns_facts import Asking, DnsAnswer, DnsQuestion, DnsStatus
from heliosphere.mta.rules.origin.message_signatures import DkimResult
from heliosphere.mta.rules.origin.spf import SpfResult, SpfSource, SpfStatus
from heliosphere.mta.rules.origin.spf.names import askable

Policy = Literal["none", "quarantine", "reject"]

_POLICIES: dict[str, Policy] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
_LOWER: dict[Policy, Policy] = {"none": "none", "quarantine": "none", "reject": "quarantine"}
_STRICTNESS: tuple[Policy, ...] = ("none", "quarantine", "reject")
_VERSION = re.compile(r"\s*v\s*=\s*DMARC1\s*(?:;|\Z)")
_PERCENT = re.compile(r"[0-9]{1,3}")


class DmarcStatus(StrEnum):
    """none: no policy is published. permerror: there is no From domain to ask."""

    PASS = "pass"
    FAIL = "fail"
    NONE = "none"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


_WORSE = (
    DmarcStatus.PASS,
    DmarcStatus.NONE,
    DmarcStatus.PERMERROR,
    DmarcStatus.TEMPERROR,
    DmarcStatus.FAIL,
)


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """`subdomains` and `absent` are sp= and np=; None means as for the domain itself."""

    policy: Policy
    subdomains: Policy | None = None
    absent: Policy | None = None
    strict_dkim: bool = False
    strict_spf: bool = False
    percent: int = 100
    testing: bool = False


@dataclass(frozen=True, slots=True)
class FoundPolicy:
    """`domain` is the From domain. Without `record` there is no policy, for the reason in `status`."""

    domain: str
    status: DmarcStatus = DmarcStatus.NONE
    record: DmarcRecord | None = None
    policy: Policy = "none"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DmarcResult:
    """`domain` is the From domain. `policy` is what its owner published for it, `disposition` what the owner
    asks for this very message: that policy on fail unless it is only tested, else none. `aligned` has `spf`
    and `dkim` where they passed for this domain."""

    status: DmarcStatus
    domain: str = ""
    policy: Policy | None = None
    disposition: Policy = "none"
    aligned: tuple[str, ...] = ()
    reason: str = ""


@lru_cache(maxsize=256)
def parse_dmarc(text: str) -> DmarcRecord | None:
    """The record, or None for what is none: wrong version first, or no usable p= and nobody to report to.

    Unknown and broken tags are left out (RFC 7489, 6.3).
    """
    if not _VERSION.match(text):
        return None
    pairs = (part.partition("=") for part in text.split(";"))
    tags = {name.strip().lower(): value.strip() for name, equals, value in reversed(list(pairs)) if equals}
    policy = _POLICIES.get(tags.get("p", "").lower())
    subdomains = _POLICIES.get(tags.get("sp", "").lower())
    if policy is None or ("sp" in tags and subdomains is None):  # RFC 7489, 6.6.3: watched only
        return DmarcRecord("none") if "mailto:" in tags.get("rua", "").lower() else None
    percent = tags.get("pct", "")
    return DmarcRecord(
        policy,
        subdomains,
        _POLICIES.get(tags.get("np", "").lower()),
        tags.get("adkim", "").lower() == "s",
        tags.get("aspf", "").lower() == "s",
        min(100, int(percent)) if _PERCENT.fullmatch(percent) else 100,
        tags.get("t", "").lower() == "y",
    )


def find_policy(domain: str) -> Asking[FoundPolicy]:
    """The policy for a From domain (A-labels, lower case): its own, else its organizational domain's."""
    organization = organizational_domain(domain)
    places = {name: f"_dmarc.{name}" for name in (domain, organization)}
    places = {name: place for name, place in places.items() if askable(place)}
    if not places:
        return FoundPolicy(domain, reason="no policy")
    answers = yield tuple(DnsQuestion(place, "TXT") for place in places.values())
    for name, answer in zip(places, answers, strict=True):
        if answer.status is DnsStatus.FAILED:
            return FoundPolicy(domain, DmarcStatus.TEMPERROR, reason="the DNS does not answer for the policy")
        texts = [text for text in answer.values if _VERSION.match(text)]
        if not texts:
            continue
        record = parse_dmarc(texts[0]) if len(texts) == 1 else None
        if record is None:
            return FoundPolicy(domain, reason="the policy cannot be used")
        policy = record.policy if name == domain else (yield from _policy_below(domain, record))
        return FoundPolicy(domain, DmarcStatus.NONE, record, policy)
    return FoundPolicy(domain, reason="no policy")


def judge_dmarc(found: FoundPolicy, spf: SpfResult, dkim: Iterable[DkimResult], draw: int) -> DmarcResult:
    """`draw`, 0 to 99, is this message's lot against pct=."""
    if found.record is None:
        return DmarcResult(found.status, found.domain, reason=found.reason)
    record = found.record
    checks = [("spf", _spf_status(spf), spf.domain, record.strict_spf)]
    checks += [("dkim", str(one.status), one.domain, record.strict_dkim) for one in dkim]
    meant = [
        (method, status) for method, status, name, strict in checks if is_aligned(name, found.domain, strict)
    ]
    aligned = tuple(dict.fromkeys(method for method, status in meant if status == "pass"))
    if aligned:
        return DmarcResult(DmarcStatus.PASS, found.domain, found.policy, "none", aligned)
    if any(status == "temperror" for _, status in meant):
        return DmarcResult(
            DmarcStatus.TEMPERROR, found.domain, found.policy, reason="the DNS does not answer"
        )
    lowered = record.testing or draw >= record.percent
    disposition = _LOWER[found.policy] if lowered else found.policy
    return DmarcResult(DmarcStatus.FAIL, found.domain, found.policy, disposition, reason="nothing is aligned")


def strictest(results: Iterable[DmarcResult]) -> DmarcResult:
    """Of the results for several From domains the one that asks for most, or else passes least; a reader
    may be shown any of them (RFC 7489, 6.6.1)."""
    return max(results, key=lambda one: (_STRICTNESS.index(one.disposition), _WORSE.index(one.status)))


def is_aligned(name: str, domain: str, strict: bool) -> bool:
    """Strict: the same name. Relaxed: the same organizational domain (RFC 7489, 3.1)."""
    if name == domain or strict:
        return name == domain
    return bool(name) and organizational_domain(name) == organizational_domain(domain)


@lru_cache(maxsize=4096)
def organizational_domain(domain: str) -> str:
    """One label more than the public suffix; the name itself if it has none to spare."""
    return _suffixes().privatesuffix(domain) or domain


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _spf_status(spf: SpfResult) -> str:
    """What this host's own rules let in says nothing about the domain's wish."""
    if spf.status is SpfStatus.PASS and spf.source is not SpfSource.PUBLISHED:
        return str(SpfStatus.NEUTRAL)
    return str(spf.status)


def _policy_below(domain: str, record: DmarcRecord) -> Asking[Policy]:
    """For a name below the organizational domain: sp=, or np= if the name does not exist (RFC 9091)."""
    usual = record.subdomains or record.policy
    if record.absent is None or record.absent == usual:
        return usual
    answers: tuple[DnsAnswer, ...] = yield (
        DnsQuestion(domain, "A"),
        DnsQuestion(domain, "AAAA"),
        DnsQuestion(domain, "MX"),
    )
    absent = all(one.status in (DnsStatus.NO_NAME, DnsStatus.NO_DATA) for one in answers)
    return record.absent if absent else usual
