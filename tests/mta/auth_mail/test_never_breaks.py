"""Whatever strangers write into records and messages: a result comes, from the list, after few questions."""

import base64
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from heliosphere.mta.rules.dns_facts import (
    FAILED,
    NO_DATA,
    NO_NAME,
    DnsAnswer,
    DnsQuestion,
    DnsStatus,
    answer_from,
)
from heliosphere.mta.rules.origin.authentication_results import (
    MethodResult,
    authentication_results_field,
    claiming_fields,
    without_claims,
)
from heliosphere.mta.rules.origin.dmarc import DmarcStatus, find_policy, judge_dmarc, parse_dmarc
from heliosphere.mta.rules.origin.from_domains import domains_in
from heliosphere.mta.rules.origin.message_signatures import DkimStatus, SignedMessage, verify_arc, verify_dkim
from heliosphere.mta.rules.origin.message_signatures.arc import ArcStatus
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
from heliosphere.mta.services.authenticate import AuthenticationRequest, authenticate
from tests.mta.auth_mail.random_spf import BROKEN, CLIENTS, HOSTS, MACROS
from tests.mta.auth_mail.signing import LETTER, key_record, rsa_key, signed
from tests.mta.auth_mail.support import NOW

MOST_QUESTIONS = 300
"""Ten terms with ten hosts each, records, the client's names, an explanation; again for local rules."""

latin = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=60)
MECHANISMS = ("a", "mx", "include", "exists", "ptr")
targets = st.sampled_from(HOSTS + MACROS) | latin
terms = st.one_of(
    st.sampled_from(BROKEN),
    st.builds("{}{}:{}".format, st.sampled_from(("", "-", "~", "?")), st.sampled_from(MECHANISMS), targets),
    st.builds("{}={}".format, st.sampled_from(("redirect", "exp", "x")), targets),
    st.sampled_from(("mx", "ptr", "-all", "a/24//64")),
    latin,
)  # fmt: skip
records = st.lists(terms, max_size=14).map(lambda some: "v=spf1 " + " ".join(some))
addresses = st.sampled_from(CLIENTS)
values = {
    "A": st.sampled_from(("192.0.2.1", "198.51.100.9")),
    "AAAA": st.sampled_from(("2001:db8::1", "2001:db8:7::25")),
    "MX": st.sampled_from(HOSTS).map("10 {}".format) | st.just("0 ."),
    "PTR": st.sampled_from(HOSTS),
    "TXT": records | latin,
}


def run_with(draw, asking):
    """Drive `asking` with answers drawn at random, and count."""
    asked = 0
    try:
        questions = next(asking)
        while True:
            asked += len(questions)
            assert questions
            assert asked < MOST_QUESTIONS
            assert all(one.name == one.name.lower() and len(one.name) < 254 for one in questions)
            questions = asking.send(tuple(answer(draw, one) for one in questions))
    except StopIteration as end:
        return end.value


def answer(draw, question: DnsQuestion) -> DnsAnswer:
    kind = draw(st.sampled_from(("found", "found", "found", "no data", "no name", "failed")))
    if kind != "found":
        return {"no data": NO_DATA, "no name": NO_NAME, "failed": FAILED}[kind]
    found = draw(st.lists(values[question.kind], min_size=1, max_size=12 if question.kind == "MX" else 3))
    return DnsAnswer(DnsStatus.FOUND, tuple(found))


@settings(max_examples=300)
@given(st.data())
def test_spf_always_ends_with_a_result(data):
    draw = data.draw
    request = SpfRequest(
        draw(addresses), draw(latin), draw(latin | st.sampled_from(("carl@one.test", ""))), "mx.one.test",
        NOW, draw(records)[7:], draw(records), draw(latin | st.sampled_from(MACROS)),
    )  # fmt: skip
    result = run_with(draw, check_host(request))
    assert result.status in SpfStatus
    assert len(result.explanation) <= 500
    assert result.explanation.isascii()
    assert "\n" not in result.explanation
    assert received_spf_field(result, request).count(b"\n") == 1


def test_include_of_itself_ends():
    asked = []

    def answer_self(question):
        asked.append(question)
        return DnsAnswer(DnsStatus.FOUND, ("v=spf1 include:one.test include:one.test redirect=one.test",))

    request = SpfRequest("192.0.2.1", "one.test", "a@one.test", "r.test", NOW)
    assert answer_from(answer_self, check_host(request)).status is SpfStatus.PERMERROR
    assert len(asked) <= 12


@given(latin)
def test_control_texts_are_judged(text):
    for judge in (rules_problem, guess_problem, explanation_problem):
        assert judge(text) is None or judge(text)


@given(latin, st.lists(st.tuples(st.sampled_from(tuple(SpfStatus)), latin), max_size=1), st.data())
def test_dmarc_always_ends_with_a_result(text, spf, data):
    record = data.draw(st.sampled_from(("", "v=DMARC1;", "v=DMARC1; p=reject;"))) + text
    parse_dmarc(record)
    found = run_with(
        data.draw, find_policy(data.draw(st.sampled_from(("far.test", "a.b.far.test", "co.uk"))))
    )
    status, domain = spf[0] if spf else (SpfStatus.NONE, "")
    assert judge_dmarc(found, SpfResult(status, domain), (), 5).status in DmarcStatus


@given(latin)
def test_from_fields_never_break(text):
    assert all(domain.isascii() and "." in domain for domain in domains_in(text))


TAGS = (*"vabcdshiltxq", "bh", "cv")
TAG_VALUES = (
    "1",
    "rsa-sha256",
    "ed25519-sha256",
    "aaaa",
    "relaxed/relaxed",
    "far.test",
    "s",
    "from",
    "none",
    "pass",
    "99999999999999999999",
)
tag_lists = st.lists(
    st.builds("{}={}".format, st.sampled_from(TAGS), st.sampled_from((*TAG_VALUES, "")) | latin), max_size=14
).map("; ".join)
fields = st.builds(
    "{}: {}".format,
    st.sampled_from(
        ("DKIM-Signature", "ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results", "From", "X")
    ),
    tag_lists,
)
messages = st.lists(fields | latin, max_size=8).flatmap(
    lambda head: st.builds(lambda body: "\r\n".join([*head, "", body]).encode("latin-1"), latin)
)


@settings(max_examples=300)
@given(messages | st.binary(max_size=200), st.data())
def test_messages_never_break_the_check(message, data):
    request = AuthenticationRequest("192.0.2.1", "one.test", "a@one.test", message, "mx.one.test", NOW)
    report = run_with(data.draw, authenticate(request))
    assert report.spf.status in SpfStatus
    assert all(one.status in DkimStatus for one in report.dkim)
    assert report.dmarc.status in DmarcStatus
    assert report.arc.status in get_args(ArcStatus)
    assert report.header().isascii()


SIGNED = signed(LETTER.replace(b"X-Unsigned: yes\r\n", b""))
KEY = key_record(rsa_key())


@given(st.integers(0, len(SIGNED) - 1), st.integers(0, 255))
def test_one_changed_byte_never_makes_another_message_pass(at, byte):
    """Only white space may change, the case of field names, and unused bits at the end of base64."""
    changed = SIGNED[:at] + bytes((byte,)) + SIGNED[at + 1 :]

    results = answer_from(has_key(KEY), verify_dkim(SignedMessage(changed), NOW))
    if any(one.status is DkimStatus.PASS for one in results):
        assert b"".join(_signed(changed)) == b"".join(_signed(SIGNED))


def has_key(record: str):
    return lambda question: DnsAnswer(DnsStatus.FOUND, (record,))


def _signed(message: bytes) -> list[bytes]:
    lines = message.replace(b"\r\n", b"\n").split(b"\n")
    return b" ".join(line for line in lines if not line.lower().startswith(b"dkim-")).lower().split()


@given(st.text(max_size=40), st.binary(max_size=120))
def test_key_records_never_break(text, data):
    for record in (
        text,
        f"v=DKIM1; p={base64.b64encode(data).decode()}",
        f"k=ed25519; p={base64.b64encode(data[:32]).decode()}",
    ):
        plain = record.encode("utf-8").decode("latin-1")
        (result,) = answer_from(has_key(plain), verify_dkim(SignedMessage(SIGNED), NOW))
        assert result.status is not DkimStatus.PASS


@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=40))
def test_results_field_is_always_one_field(reason, comment, value):
    text = authentication_results_field(
        "mx.one.test", [MethodResult("spf", "pass", reason, (("a.b", value),), comment)]
    )
    lines = text.split(b"\n")
    assert lines.pop() == b""
    assert lines[0] == b"Authentication-Results: mx.one.test;"
    assert all(line.startswith(b"\t") and line.strip() for line in lines[1:])
    assert text.isascii()


claims = st.sampled_from(
    (
        b"Authentication-Results: mx.one.test; x\n",
        b"Authentication-Results:\n",
        b" folded\n",
        b"\n",
        b"\r\n",
        b"X: y\n",
    )
)


@given(st.lists(claims | st.binary(max_size=20), max_size=8).map(b"".join))
def test_taking_claims_out_leaves_none(message):
    rest = without_claims(message, "mx.one.test")
    assert claiming_fields(rest, "mx.one.test") == ()
    cut = sum(end - start for start, end in claiming_fields(message, "mx.one.test"))
    assert len(message) - len(rest) == cut


def test_long_inputs_take_no_long_time():
    """Quadratic work would take minutes here; the suite's time limit ends it."""

    def no_name(question):
        return NO_NAME

    blanks = b" " * 2_000_000
    lines = b"\r\n" * 2_000_000
    for body in (blanks, lines, lines + b"\r", b"a" + blanks + b"\r\n", b"\r" * 2_000_000):
        message = SIGNED + body
        assert len(answer_from(no_name, verify_dkim(SignedMessage(message), NOW))) == 1
    domains_in("(" * 60_000 + "<" * 60_000)
    assert claiming_fields(b"Authentication-Results:" + b"(" * 1_000_000 + b"\n", "mx.one.test")
    chain = SignedMessage(b"ARC-Seal: " + b";" * 1_000_000 + b"\r\n" + LETTER)
    assert answer_from(no_name, verify_arc(chain, NOW)).status == "fail"
