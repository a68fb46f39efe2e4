"""Is this message from whom it says? SPF, DKIM, ARC and DMARC of one message, and the field that tells it.

The check asks by yielding (`dns_facts.Asking`), in few rounds: the keys of all signatures, the policy and
the SPF record are asked for at once. Between rounds it hashes and verifies, which for large messages takes
long enough to be done in a thread: see `asking_run.AskingRun`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from heliosphere.mta.rules.dns_facts import Asking
from heliosphere.mta.rules.origin.asking_run import AskingRun, together
from heliosphere.mta.rules.origin.authentication_results import MethodResult, authentication_results_field
from heliosphere.mta.rules.origin.dmarc import (
    DmarcResult,
    DmarcStatus,
    FoundPolicy,
    find_policy,
    judge_dmarc,
    strictest,
)
from heliosphere.mta.rules.origin.from_domains import domains_in
from heliosphere.mta.rules.origin.message_signatures import (
    ArcResult,
    DkimResult,
    SignedMessage,
    as_signed,
    verify_arc,
    verify_dkim,
)
from heliosphere.mta.rules.origin.spf import SpfRequest, SpfResult, SpfSource, check_host
from heliosphere.mta.rules.origin.spf.names import unicode_text

MAX_FROM = 65536
"""Characters of one From field that are read."""
MAX_FROM_DOMAINS = 10
NO_FROM = "no From field with a domain"


@dataclass(frozen=True, slots=True)
class AuthenticationRequest:
    """`sender` is the reverse path without brackets, "" for the null sender. `hostname` is the name our
    results go by (authserv-id). `spf` is the result already known from MAIL FROM; None has it checked here,
    without local rules."""

    ip: str
    helo: str
    sender: str
    message: bytes
    hostname: str
    now: datetime
    spf: SpfResult | None = None


@dataclass(frozen=True, slots=True)
class AuthenticationReport:
    """`dkim` has a result for each signature, from the top down; empty for an unsigned message."""

    hostname: str
    sender: str
    helo: str
    spf: SpfResult
    dkim: tuple[DkimResult, ...]
    dmarc: DmarcResult
    arc: ArcResult

    def header(self) -> bytes:
        """The Authentication-Results field with its line end."""
        results = [_spf(self), *_dkim(self.dkim), _dmarc(self.dmarc)]
        if self.arc.status != "none":
            results.append(_arc(self.arc))
        return authentication_results_field(self.hostname, results)


def authenticate(request: AuthenticationRequest) -> Asking[AuthenticationReport]:
    """Never refuses by itself: what a result leads to is the caller's business."""
    message = as_signed(request.message)
    domains = _from_domains(message)
    if request.spf is not None and not message.is_signed and len(domains) == 1:
        # Most mail: nothing to verify, one question. It is worth a way of its own.
        policy = yield from find_policy(domains[0])
        return _report(request, message, request.spf, (), ArcResult("none"), [policy])
    spf = AskingRun(_spf_result(request))
    dkim = AskingRun(verify_dkim(message, request.now))
    arc = AskingRun(verify_arc(message, request.now))
    policies = [AskingRun(find_policy(domain)) for domain in domains]
    yield from together(spf, dkim, arc, *policies)
    found = [one.result for one in policies]
    return _report(request, message, spf.result, dkim.result, arc.result, found)


def _report(
    request: AuthenticationRequest,
    message: SignedMessage,
    spf: SpfResult,
    dkim: tuple[DkimResult, ...],
    arc: ArcResult,
    policies: Sequence[FoundPolicy],
) -> AuthenticationReport:
    draw = _draw(message)
    found = policies or [FoundPolicy("", DmarcStatus.PERMERROR, reason=NO_FROM)]
    dmarc = strictest(judge_dmarc(one, spf, dkim, draw) for one in found)
    return AuthenticationReport(request.hostname, request.sender, request.helo, spf, dkim, dmarc, arc)


def _spf_result(request: AuthenticationRequest) -> Asking[SpfResult]:
    if request.spf is not None:
        return request.spf
    asked = SpfRequest(request.ip, request.helo, request.sender, request.hostname, request.now)
    return (yield from check_host(asked))


def _from_domains(message: SignedMessage) -> list[str]:
    """Of all From fields: there should be one, but a reader may be shown any."""
    values = (unicode_text(field.value[:MAX_FROM]) for field in message.named("from"))
    return list(dict.fromkeys(domain for value in values for domain in domains_in(value)))[:MAX_FROM_DOMAINS]


def _draw(message: SignedMessage) -> int:
    """0 to 99 for pct=: the same for a message each time it is tried."""
    identity = b"".join(field.raw for name in ("message-id", "date", "from") for field in message.named(name))
    return zlib.crc32(identity) % 100


def _spf(report: AuthenticationReport) -> MethodResult:
    sender = report.sender if report.sender.isascii() else report.spf.domain
    who = ("smtp.mailfrom", sender) if sender else ("smtp.helo", report.helo)
    local = "" if report.spf.source is SpfSource.PUBLISHED else f"by {report.spf.source}"
    return MethodResult("spf", report.spf.status, report.spf.problem, (who,), local)


def _dkim(results: tuple[DkimResult, ...]) -> list[MethodResult]:
    if not results:
        return [MethodResult("dkim", "none")]
    return [
        MethodResult(
            "dkim",
            one.status,
            one.reason,
            (
                ("header.d", one.domain),
                ("header.s", one.selector),
                ("header.a", one.algorithm),
                ("header.b", one.signature),
            ),
        )
        for one in results
    ]


def _dmarc(result: DmarcResult) -> MethodResult:
    comment = "" if result.policy is None else f"p={result.policy} dis={result.disposition}"
    reason = "" if result.status in (DmarcStatus.PASS, DmarcStatus.FAIL) else result.reason
    return MethodResult("dmarc", result.status, reason, (("header.from", result.domain),), comment)


def _arc(result: ArcResult) -> MethodResult:
    sealed = (("header.d", result.sealer),) if result.sealer else ()
    comment = f"i={result.length}" if result.length else ""
    return MethodResult("arc", result.status, result.reason, sealed, comment)
