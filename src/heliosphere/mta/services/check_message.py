"""Check a whole message before it is stored: who it is from, what is in it, and what is noted on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

from heliosphere.contracts.controls import content, smtpd
from heliosphere.contracts.controls.registry import Snapshot
from heliosphere.mta.controls.content import content_lists, scan_policy
from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.checks.sender import spf_request, spf_result
from heliosphere.mta.rules.content.decision import ScanPolicy
from heliosphere.mta.rules.content.headers import originating_ip_field
from heliosphere.mta.rules.content.signatures import ContentFilter, Hit
from heliosphere.mta.rules.dns_facts import Asking, DnsAnswer, DnsQuestion
from heliosphere.mta.rules.findings import Finding, TraceLine
from heliosphere.mta.rules.headers import received_field
from heliosphere.mta.rules.origin.authentication_results import without_claims
from heliosphere.mta.rules.origin.spf import received_spf_field
from heliosphere.mta.services.authenticate import AuthenticationReport, AuthenticationRequest, authenticate
from heliosphere.mta.services.find_facts import FactFinder
from heliosphere.mta.services.ports import Clock
from heliosphere.mta.services.scan import Scanner, ScanOutcome, Variant
from heliosphere.mta.wire.smtp_questions import Accept

T = TypeVar("T")
HEAVY = 128 * 1024
"""Bytes from which hashing and decoding go to a thread."""
QUARANTINE = ".Spam"
"""Folder for what DMARC says should be in quarantine."""


@dataclass(frozen=True, slots=True)
class ContentSettings:
    """The controls of content checks; made once for each snapshot."""

    scan: ScanPolicy
    scanner: Scanner
    authresults: bool
    dmarcpolicy: int
    new_filter: Callable[[], ContentFilter] | None
    xenveloptoheader: bool


def content_settings(controls: Snapshot, scanner: Scanner) -> ContentSettings:
    scan = scan_policy(controls)
    return ContentSettings(
        scan, scanner, controls[smtpd.AUTHRESULTS], controls[smtpd.DMARCPOLICY],
        _filter_maker(controls, scan), controls[content.XENVELOPTOHEADER],
    )  # fmt: skip


def for_client(settings: ContentSettings, environment: Mapping[str, str]) -> ContentSettings:
    """SKIPSACHK and SKIPCACHK of the client's line of tcp.smtp win over the controls."""
    changes: dict[str, Any] = {}
    for variable, name in (("SKIPSACHK", "skipsachk"), ("SKIPCACHK", "skipcachk")):
        value = environment.get(variable, "")
        if value[:1].isdigit():
            changes[name] = min(int(value[:1]), 2)
    if not changes:
        return settings
    return replace(settings, scan=replace(settings.scan, **changes))


def _filter_maker(controls: Snapshot, scan: ScanPolicy) -> Callable[[], ContentFilter] | None:
    """Lists are compiled once; each message gets a filter of its own. None: both checks are off."""
    if not scan.chksignature and not scan.chkloadertype:
        return None
    lists = content_lists(controls)
    return partial(ContentFilter, lists, chksignature=scan.chksignature, chkloadertype=scan.chkloadertype)


@dataclass(frozen=True, slots=True)
class Checked:
    """What to do with a message. `finding` refuses it; else `variants` say who gets what, with `fields` (our
    Received and what stands above it) on top of all, and `dropped` get nothing, as they asked for."""

    finding: Finding | None
    variants: tuple[Variant, ...]
    dropped: tuple[Address, ...]
    fields: bytes
    message: bytes
    trace: tuple[TraceLine, ...]


@dataclass(frozen=True, slots=True)
class MessageChecker:
    facts: FactFinder
    clock: Clock

    async def check(self, question: Accept, settings: ContentSettings) -> Checked:
        """Never raises for trouble of the world: that is a verdict too."""
        trace: list[TraceLine] = []
        report = await self._authenticate(question, settings, trace)
        message = without_claims(question.message, question.session.policy.hostname)
        fields = _fields(question, report)
        fields += received_field(question.hop, self.clock(), local=question.session.policy.localtime)
        finding = _dmarc_finding(report, settings, trace)
        if finding is not None:
            return Checked(finding, (), (), fields, message, tuple(trace))
        hit = await self._look_inside(message, settings, trace)
        outcome = await settings.scanner.judge(
            [fields, message], question.sender, question.recipients, question.session.client_class,
            settings.scan, hit,
        )  # fmt: skip
        finding = _scan_finding(outcome)
        trace.append(TraceLine("DATA", "content", "refused" if finding else "passed", finding))
        if finding is not None:
            return Checked(finding, (), (), fields, message, tuple(trace))
        variants = tuple(_quarantined(one, report, settings) for one in outcome.variants())
        return Checked(None, variants, outcome.dropped, fields, message, tuple(trace))

    async def _authenticate(
        self, question: Accept, settings: ContentSettings, trace: list[TraceLine]
    ) -> AuthenticationReport | None:
        """Clients that may relay send mail of our own users: there is nothing to verify."""
        session = question.session
        if not (settings.authresults or settings.dmarcpolicy):
            return None
        if session.may_relay or session.client.is_loopback:
            trace.append(TraceLine("DATA", "authresults", "exempt"))
            return None
        request = AuthenticationRequest(
            session.client.ip, session.helo, str(question.sender), question.message, session.policy.hostname,
            self.clock(), spf_result(session, question.sender),
        )  # fmt: skip
        report = await self._run(authenticate(request), len(question.message))
        trace.append(TraceLine("DATA", "authresults", "remark", Finding(None, _in_words(report))))
        return report

    async def _run(self, asking: Asking[T], size: int) -> T:
        """Hashing of large messages belongs in a thread; small ones are done before a thread would start."""
        if size < HEAVY:
            return await self.facts.answer(asking)
        questions: tuple[DnsQuestion, ...] | _End[T] = await asyncio.to_thread(_advance, asking, None)
        while not isinstance(questions, _End):
            answers = await asyncio.gather(*(self.facts.dns.ask(one) for one in questions))
            questions = await asyncio.to_thread(_advance, asking, tuple(answers))
        return questions.value

    async def _look_inside(
        self, message: bytes, settings: ContentSettings, trace: list[TraceLine]
    ) -> Hit | None:
        if settings.new_filter is None:
            return None
        looking = settings.new_filter()
        if len(message) < HEAVY:
            looking.feed(message)
        else:
            await asyncio.to_thread(looking.feed, message)
        hit = looking.hit
        if hit is not None:
            trace.append(TraceLine("DATA", "badsignatures", "remark", Finding(None, f"found {hit.entry}")))
        return hit


class _End(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value


def _advance(
    asking: Asking[T], answers: tuple[DnsAnswer, ...] | None
) -> tuple[DnsQuestion, ...] | _End[T]:
    """One turn of a generator, which may not leave a thread by StopIteration."""
    try:
        return next(asking) if answers is None else asking.send(answers)
    except StopIteration as end:
        return _End(end.value)


def _fields(question: Accept, report: AuthenticationReport | None) -> bytes:
    """What stands above Received."""
    session = question.session
    fields = b"".join(f"{line}\n".encode("utf-8", "replace") for line in session.added_headers)
    if report is not None:
        fields += report.header()
    spf = spf_result(session, question.sender)
    if spf is not None:
        fields += received_spf_field(spf, spf_request(session, question.sender))
    return fields + originating_ip_field(
        question.message, session.client.ip, session.client_class,
        xoriginatingip=session.policy.xoriginatingip,
    )  # fmt: skip


def _in_words(report: AuthenticationReport) -> str:
    signers = ", ".join(f"{one.status} of {one.domain}" for one in report.dkim) or "none"
    return f"SPF {report.spf.status}; DKIM {signers}; DMARC {report.dmarc.status}; ARC {report.arc.status}"


def _dmarc_finding(
    report: AuthenticationReport | None, settings: ContentSettings, trace: list[TraceLine]
) -> Finding | None:
    """p=reject is followed if the operator wants it, but not for mail that a trusted chain vouches for."""
    if report is None or settings.dmarcpolicy < 2 or report.dmarc.disposition != "reject":
        return None
    why = f"DMARC of {report.dmarc.domain} asks to refuse it: {report.dmarc.reason or 'nothing is aligned'}"
    finding = Finding(replies.NOT_AUTHENTIC, why, "DMARC_Reject", "DATA", "dmarcpolicy")
    trace.append(TraceLine("DATA", "dmarcpolicy", "refused", finding))
    return finding


def _quarantined(
    variant: Variant, report: AuthenticationReport | None, settings: ContentSettings
) -> Variant:
    if report is None or not settings.dmarcpolicy or variant.folder:
        return variant
    return replace(variant, folder=QUARANTINE) if report.dmarc.disposition != "none" else variant


def _scan_finding(outcome: ScanOutcome) -> Finding | None:
    refusal = outcome.refusal
    if refusal is None:
        return None
    return Finding(refusal.reply, refusal.info, refusal.condition, "DATA", "content", info=refusal.info)
