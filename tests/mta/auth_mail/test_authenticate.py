"""All methods over one message, and the field that reports them."""

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.rules.dns_facts import DnsQuestion, answer_from
from heliosphere.mta.rules.origin.asking_run import AskingRun, together
from heliosphere.mta.rules.origin.message_signatures import SignedMessage, as_signed
from heliosphere.mta.rules.origin.spf import SpfResult, SpfSource, SpfStatus
from heliosphere.mta.services.authenticate import AuthenticationReport, AuthenticationRequest, authenticate
from tests.mta.auth_mail.signing import LETTER, key_record, rsa_key, signed
from tests.mta.auth_mail.support import NOW, suite, zone

FAR = {
    "far.test": {"TXT": "v=spf1 ip4:192.0.2.9 -all"},
    "_dmarc.far.test": {"TXT": "v=DMARC1; p=reject"},
    "s._domainkey.far.test": {"TXT": key_record(rsa_key())},
}
REQUEST = AuthenticationRequest("192.0.2.9", "mail.far.test", "carl@far.test", signed(), "mx.one.test", NOW)


def report(request: AuthenticationRequest = REQUEST, records=FAR, **changes) -> AuthenticationReport:
    return answer_from(zone(**records), authenticate(replace(request, **changes)))


def test_genuine_message_passes_everything():
    found = report()
    assert (found.spf.status, found.dmarc.status, found.arc.status) == ("pass", "pass", "none")
    assert [one.status for one in found.dkim] == ["pass"]
    lines = found.header().decode().split("\n\t")
    assert lines[0] == "Authentication-Results: mx.one.test;"
    assert lines[1] == "spf=pass smtp.mailfrom=carl@far.test;"
    assert " ".join(lines[2:-1]).startswith(
        "dkim=pass header.d=far.test header.s=s header.a=rsa-sha256 header.b="
    )
    assert found.dkim[0].signature in found.header().decode()
    assert lines[-1] == "dmarc=pass (p=reject dis=none) header.from=far.test\n"


def test_forged_message_fails_and_the_owner_wants_it_rejected():
    found = report(ip="198.51.100.1", message=LETTER)
    assert (found.spf.status, found.dkim, found.dmarc.disposition) == ("fail", (), "reject")
    assert found.header().decode() == (
        "Authentication-Results: mx.one.test;\n"
        "\tspf=fail smtp.mailfrom=carl@far.test;\n"
        "\tdkim=none;\n"
        "\tdmarc=fail (p=reject dis=reject) header.from=far.test\n"
    )


def test_forwarded_message_passes_by_its_signature():
    found = report(ip="198.51.100.1", sender="list@lists.test")
    assert (found.spf.status, found.dmarc.status, found.dmarc.aligned) == ("none", "pass", ("dkim",))


def test_known_spf_result_is_not_asked_for_again():
    known = SpfResult(SpfStatus.PASS, "far.test", source=SpfSource.LOCAL)
    found = report(spf=known, message=LETTER, records=FAR | {"far.test": {"TXT": "FAILED"}})
    assert found.spf is known
    assert found.dmarc.status == "fail"
    assert b"spf=pass (by spfrules) smtp.mailfrom=carl@far.test" in found.header()


def test_null_sender_is_named_by_helo():
    found = report(sender="", records=FAR | {"mail.far.test": {"TXT": "v=spf1 ip4:192.0.2.9 -all"}})
    assert b"\tspf=pass smtp.helo=mail.far.test;\n" in found.header()
    assert found.dmarc.aligned == ("spf", "dkim")


@pytest.mark.parametrize("head", [b"", b"From: nobody\r\n", b"From: <>\r\n"])
def test_message_without_from_domain_has_no_policy(head):
    found = report(message=head + b"To: a@one.test\r\n\r\nbody\r\n")
    assert (found.dmarc.status, found.dmarc.disposition) == ("permerror", "none")
    assert b'dmarc=permerror reason="no From field with a domain"' in found.header()


@pytest.mark.parametrize(
    "head", [b"From: carl@far.test, x@evil.test\r\n", b"From: x@evil.test\r\nFrom: carl@far.test\r\n"]
)
def test_second_from_domain_does_not_hide_the_strict_one(head):
    found = report(message=head + b"\r\n", ip="198.51.100.1", sender="x@evil.test")
    assert (found.dmarc.domain, found.dmarc.disposition) == ("far.test", "reject")


def test_arc_chain_is_reported():
    scenario = next(
        one for one in suite("arc/arc-draft-validation-tests.yml") if "cv_pass_i2_1" in one["tests"]
    )
    keys = {name.lower(): {"TXT": text} for name, text in scenario["txt-records"].items()}
    found = report(message=scenario["tests"]["cv_pass_i2_1"]["message"].encode(), records=FAR | keys)
    assert (found.arc.status, found.arc.length) == ("pass", 2)
    assert b"\tarc=pass (i=2) header.d=example.org" in found.header()


def test_independent_questions_go_out_together():
    questions = set(next(authenticate(REQUEST)))
    assert questions == {
        DnsQuestion("far.test", "TXT"),
        DnsQuestion("s._domainkey.far.test", "TXT"),
        DnsQuestion("_dmarc.far.test", "TXT"),
    }


def test_question_of_several_is_asked_once():
    def asking(name):
        (answer,) = yield (DnsQuestion(name, "TXT"),)
        return answer.values

    runs = [AskingRun(asking(name)) for name in ("far.test", "far.test", "gone.test")]
    rounds = together(*runs)
    assert next(rounds) == (DnsQuestion("far.test", "TXT"), DnsQuestion("gone.test", "TXT"))
    answer_from(zone(**FAR), together(*(again := [AskingRun(asking("far.test")) for _ in range(2)])))
    assert [one.result for one in again] == [("v=spf1 ip4:192.0.2.9 -all",)] * 2


def test_steps_may_run_in_threads():
    run = AskingRun(authenticate(REQUEST))
    _in_thread(run.start)
    for _ in range(10):
        if run.is_done:
            break
        answers = {question: zone(**FAR)(question) for question in run.questions}
        _in_thread(lambda answers=answers: run.answer(answers))
    assert run.result == report()


def _in_thread(step) -> None:
    thread = threading.Thread(target=step)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


HEADER_LINES = st.lists(
    st.sampled_from(
        [b"From: a@far.test", b"from : b@far.test", b"Date: today", b"Message-ID: <1@x>", b" folded",
         b"\tmore",
         b"Subject: From: no", b"no field", b"X-From: c@far.test", b"", b"FROM:", b"\rFrom: d@far.test"]
    ),
    max_size=12,
)  # fmt: skip


@given(HEADER_LINES, st.sampled_from([b"\n", b"\r\n"]), st.binary(max_size=20))
def test_an_unsigned_message_in_short_says_the_same(lines, end, body):
    message = end.join(lines) + end + end + body
    whole, short = SignedMessage(message), as_signed(message)
    for name in ("from", "date", "message-id"):
        assert [one.raw for one in short.named(name)] == [one.raw for one in whole.named(name)]


def test_a_signed_message_is_taken_whole():
    message = b"DKIM-Signature: v=1\r\nX: y\r\n\r\nbody\r\n"
    assert as_signed(message).named("x")
    assert as_signed(b"arc-seal : i=1\nX: y\n\nbody\n").named("x")
    assert not as_signed(b"X: y\n\nDKIM-Signature: in the body\n").named("x")
