"""What strangers publish and send: SPF and DMARC records, fields that claim a verdict, attachments."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from heliosphere.mta.rules.content.signatures import ContentFilter, filter_lists
from heliosphere.mta.rules.dns_facts import NO_NAME, DnsAnswer, DnsQuestion, DnsStatus, answer_from
from heliosphere.mta.rules.origin.authentication_results import (
    MethodResult,
    authentication_results_field,
    claimed_id,
    claiming_fields,
    without_claims,
)
from heliosphere.mta.rules.origin.dmarc import find_policy, judge_dmarc, parse_dmarc
from heliosphere.mta.rules.origin.from_domains import domains_in
from heliosphere.mta.rules.origin.message_signatures import SignedMessage, verify_arc, verify_dkim
from heliosphere.mta.rules.origin.spf import (
    SpfRequest,
    SpfResult,
    SpfStatus,
    check_host,
    explanation_problem,
    guess_problem,
    received_spf_field,
    rules_problem,
)
from tests.mta.fuzz.session import pieces

NOW = datetime(2024, 3, 7, 4, 5, 6, tzinfo=UTC)
MOST_QUESTIONS = 300
"""Ten terms with ten hosts each, records, the client's names, an explanation; again for local rules."""

SPF_WORDS = (
    b"v=spf1 ", b"+", b"-", b"~", b"?", b"all", b"include:", b"exists:", b"redirect=", b"exp=", b"ip4:",
    b"ip6:",
    b"mx", b"a", b"ptr", b":", b"/24", b"//64", b"/", b"one.test", b"two.test", b"%{i}", b"%{d2r.}",
    b"%{l}", b"%{p}", b"%",
    b"192.0.2.0", b"2001:db8::", b" ", b"\n", b"\xff",
)  # fmt: skip
DMARC_WORDS = (
    b"v=DMARC1", b";", b"p=", b"reject", b"quarantine", b"none", b"sp=", b"np=", b"pct=", b"50",
    b"adkim=s", b"aspf=r",
    b"rua=mailto:x@y.test", b"t=y", b"=", b" ", b"\n", b"From: <a@one.test>\n",
    b"DKIM-Signature: v=1; a=rsa-sha256;",
    b" d=one.test; s=k;", b" h=from; bh=; b=", b"ARC-Seal: i=1;", b"ARC-Message-Signature: i=1;", b"\xff",
)  # fmt: skip
FIELD_WORDS = (
    b"Authentication-Results:", b"authentication-results :", b" mx.one.test;", b" spf=pass", b"(", b")",
    b'"', b"\\",
    b"\n", b"\r\n", b"\t", b"X: y\n", b"\n\n", b";", b"From: ", b"\xff",
)  # fmt: skip
MIME_WORDS = (
    b"Content-Transfer-Encoding: base64\n", b"content-transfer-encoding:\tBASE64\n", b"\n", b"\n\n",
    b"--x\n", b"--",
    b"TVqQAAMAA", b"UEsDBBQAA", b"R0lGODlhA", b"S2VybmVs", b"=", b"AAAA", b" ", b"\0", b"\xff", b"\r\n",
)  # fmt: skip


class _Zone:
    """Every line of the input is a record of all names; questions are counted."""

    def __init__(self, data: bytes) -> None:
        self._lines = data.decode("latin-1").split("\n")
        self.asked = 0

    def __call__(self, question: DnsQuestion) -> DnsAnswer:
        self.asked += 1
        text = self._lines[self.asked % len(self._lines)]
        values = {
            "TXT": (text,), "MX": ("10 two.test", "20 one.test"), "PTR": ("one.test",),
            "A": ("192.0.2.9",), "AAAA": ("2001:db8::9",),
        }[question.kind]  # fmt: skip
        return NO_NAME if text.startswith("?") else DnsAnswer(DnsStatus.FOUND, values, 60)


def try_spf(data: bytes) -> None:
    """Some result comes after a bounded number of questions, and its header field is one field."""
    text = data.decode("latin-1")
    for problem in (explanation_problem, guess_problem, rules_problem):
        problem(text)
    for ip, own in (("192.0.2.1", ""), ("2001:db8::1", text)):
        zone = _Zone(data)
        request = SpfRequest(ip, "one.test", "a@one.test", "mx.one.test", NOW, own, own, own)
        result = answer_from(zone, check_host(request))
        assert zone.asked <= MOST_QUESTIONS
        assert all(" " <= char <= "~" or char == "\n" for char in result.explanation)
        field = received_spf_field(result, request)
        assert field.endswith(b"\n")
        assert all(line[:1] in b" \t" for line in field.splitlines()[1:])


def try_dmarc(data: bytes) -> None:
    """Records and messages alike: a policy, a verdict for each signature, never an exception."""
    text = data.decode("latin-1")
    parse_dmarc(text)
    zone = _Zone(data)
    policy = answer_from(zone, find_policy("one.test"))
    message = SignedMessage(data)
    signatures = answer_from(zone, verify_dkim(message, NOW))
    answer_from(zone, verify_arc(message, NOW))
    judge_dmarc(policy, SpfResult(SpfStatus.PASS, "one.test"), signatures, 50)
    assert all("@" not in domain for domain in domains_in(text))
    assert zone.asked <= MOST_QUESTIONS


def try_authentication_results(data: bytes) -> None:
    """What claims to be ours goes, all else stays; what we write is one field that we would know again."""
    text = data.decode("latin-1")
    claimed_id(text)
    cleaned = without_claims(data, "mx.one.test")
    assert claiming_fields(cleaned, "mx.one.test") == ()
    assert len(cleaned) <= len(data)
    result = MethodResult("spf", "fail", text, (("smtp.mailfrom", text),), text)
    field = authentication_results_field("mx.one.test", [result])
    assert without_claims(field + b"\nbody", "mx.one.test") == b"\nbody"


LISTS = filter_lists()


def try_content_filter(data: bytes) -> None:
    """The same hit for every way to cut a message, and for one that is encoded as a whole."""
    found = []
    encoded = b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(data)
    for message in (data, encoded):
        for parts in ([message], pieces(message), [message[at : at + 1] for at in range(len(message))]):
            looking = ContentFilter(LISTS, chksignature=True, chkloadertype=True)
            for part in parts:
                looking.feed(part)
            found.append(looking.hit)
    assert found[0] == found[1] == found[2], found[:3]
    assert found[3] == found[4] == found[5], found[3:]
