"""ARC chains: the validation suite, and what it does not cover."""

import pytest

from heliosphere.mta.rules.dns_facts import answer_from
from heliosphere.mta.rules.origin.message_signatures import MAX_ARC_SETS, ArcResult, SignedMessage, verify_arc
from tests.mta.auth_mail.support import NOW, suite, zone

SUITE = "arc/arc-draft-validation-tests.yml"
ENDED = ""
"""The suite's word where a seal itself reports failure: nothing may be added to such a chain."""


def keys(scenario: dict):
    return zone(**{name.lower(): {"TXT": text} for name, text in scenario["txt-records"].items()})


def verified(message: bytes, answers) -> ArcResult:
    return answer_from(answers, verify_arc(SignedMessage(message), NOW))


@pytest.fixture(scope="module")
def chain() -> tuple[bytes, dict]:
    """A good chain of five sets, with its scenario."""
    scenario = next(one for one in suite(SUITE) if "cv_pass_i5_1" in one["tests"])
    return scenario["tests"]["cv_pass_i5_1"]["message"].encode(), scenario


def test_all_171_cases_of_the_validation_suite():
    wrong, count = {}, 0
    for scenario in suite(SUITE):
        for title, case in scenario["tests"].items():
            count += 1
            for message in (case["message"], case["message"].replace("\n", "\r\n")):
                result = verified(message.encode(), keys(scenario))
                found = ENDED if result.ended else result.status
                if found != str(case["cv"]).lower():
                    wrong[title] = result
    assert wrong == {}
    assert count == 171


def test_ended_chain_counts_as_failed():
    scenario = next(one for one in suite(SUITE) if "cv_fail_i1_as_cv_fail" in one["tests"])
    result = verified(scenario["tests"]["cv_fail_i1_as_cv_fail"]["message"].encode(), keys(scenario))
    assert (result.status, result.ended) == ("fail", True)


def test_good_chain_tells_its_length_and_newest_sealer(chain):
    message, scenario = chain
    result = verified(message, keys(scenario))
    assert (result.status, result.length, result.sealer, result.reason) == ("pass", 5, "example.org", "")


def test_changed_body_or_signed_field_breaks_the_chain(chain):
    message, scenario = chain
    for before, after in ((b"Hey gang", b"Hey gong"), (b"John Q Doe", b"John R Doe")):
        assert before in message
        assert verified(message.replace(before, after), keys(scenario)).status == "fail"


def test_all_keys_are_asked_for_at_once(chain):
    message, _ = chain
    questions = next(verify_arc(SignedMessage(message), NOW))
    assert len(questions) == 6  # newest message signature and five seals


def test_silent_dns_is_no_pass(chain):
    message, _ = chain
    result = verified(message, zone(**{"dummy._domainkey.example.org": {"TXT": "FAILED"}}))
    assert (result.status, result.reason) == ("fail", "the DNS does not answer for the key")


def test_endless_chain_is_refused_before_any_question():
    header = b"".join(
        b"ARC-Seal: i=%d; a=rsa-sha256; cv=pass; d=a.test; s=s; b=aaaa\r\n"
        b"ARC-Message-Signature: i=%d; a=rsa-sha256; d=a.test; s=s; h=from; bh=aaaa; b=aaaa\r\n"
        b"ARC-Authentication-Results: i=%d; a.test; none\r\n" % (at, at, at)
        for at in range(1, MAX_ARC_SETS + 10)
    )
    result = verified(header + b"\r\n", answers=lambda question: pytest.fail(str(question)))
    assert result.status == "fail"
