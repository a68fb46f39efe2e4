"""Header fields: what is added, when, and what of the sender's is taken away."""

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.contracts.controls import REGISTRY
from heliosphere.mta.rules.content import headers
from heliosphere.mta.rules.content.results import SpamScore
from tests.mta.content.samples import LETTER, at


def read(message):
    return email.message_from_bytes(message, policy=email.policy.default)


@pytest.mark.guide("MAIL-HDR-002")
@pytest.mark.parametrize(
    ("client", "added"),
    [("none", False), ("mfrelay", False), ("static", True), ("dynamic", True), ("auth", True)],
)
def test_the_client_address_is_noted_for_clients_that_may_relay(client, added):
    field = headers.originating_ip_field(LETTER, "192.0.2.7", client, xoriginatingip=True)
    assert read(field + LETTER)["X-Originating-IP"] == ("[192.0.2.7]" if added else None)


def test_a_note_that_is_there_is_left_alone():
    webmail = b"Subject: x\r\nx-originating-ip: [198.51.100.1]\r\n\r\nX\r\n"
    assert headers.originating_ip_field(webmail, "192.0.2.7", "auth", xoriginatingip=True) == b""
    quoted = b"Subject: x\n\nX-Originating-IP: in the text only\n"
    assert headers.originating_ip_field(quoted, "192.0.2.7", "auth", xoriginatingip=True)


def test_xoriginatingip_switches_it_off():
    assert headers.originating_ip_field(LETTER, "192.0.2.7", "auth", xoriginatingip=False) == b""


@pytest.mark.guide("MAIL-HDR-004")
def test_the_recipient_is_noted_when_asked_for():
    field = headers.envelope_to_field(at("Bob@one.test"), xenveloptoheader=True)
    assert read(field + LETTER)["X-Envelope-To"] == "Bob@one.test"
    assert headers.envelope_to_field(at("bob@one.test"), xenveloptoheader=False) == b""


@pytest.mark.guide("MAIL-HDR-001", "MAIL-HDR-003", "MAIL-HDR-006")
def test_defaults_and_first_release_of_both_controls():
    declared = {name: REGISTRY.get(name) for name in ("xoriginatingip", "xenveloptoheader")}
    assert [one.default for one in declared.values() if one] == [True, False]
    assert {one.since for one in declared.values() if one} == {"2.5.0 P7"}


def test_spam_fields_are_those_that_mail_programs_know():
    score = SpamScore(7.25, 5.0, True, ("GTUBE", "MISSING_DATE"))
    found = read(headers.spam_fields(score, is_spam=True, threshold=5.0) + LETTER)
    assert found["X-Spam-Status"] == "Yes, score=7.2 required=5.0 tests=GTUBE,MISSING_DATE"
    assert found["X-Spam-Flag"] == "YES"
    assert found["X-Spam-Level"] == "*" * 7


def test_mail_that_is_no_spam_has_no_flag():
    found = read(headers.spam_fields(SpamScore(-1.5, 5, False), is_spam=False, threshold=5.0) + LETTER)
    assert found["X-Spam-Status"] == "No, score=-1.5 required=5.0 tests=none"
    assert found["X-Spam-Flag"] is None
    assert found["X-Spam-Level"] is None


@given(st.lists(st.text("ABC_", min_size=1, max_size=40), max_size=30), st.floats(-1e4, 1e4))
def test_long_lists_of_rules_are_folded(rules, score):
    fields = headers.spam_fields(SpamScore(score, 5, True, tuple(rules)), is_spam=True, threshold=5)
    assert all(len(line) < 100 for line in fields.split(b"\n"))
    told = "".join(read(fields + b"\n")["X-Spam-Status"].split())
    assert told.endswith("tests=" + (",".join(rules) or "none"))


@given(st.text())
def test_no_name_of_a_virus_forges_a_field(name):
    message = read(headers.infected_field(name) + b"Subject: x\n\n")
    assert message.keys() == ["X-Virus-Status", "Subject"]


def test_verdicts_of_the_sender_are_taken_away():
    forged = (
        b"X-Spam-Status: No, score=-99\n tests=none\nSubject: x\nx-spam-flag: NO\nX-Virus-Status: Clean\n"
        b"X-Spam-Report: kept\n\nX-Spam-Flag: in the text\n"
    )
    assert headers.without_verdicts(forged) == (
        b"Subject: x\nX-Spam-Report: kept\n\nX-Spam-Flag: in the text\n"
    )
    assert headers.without_verdicts(LETTER) is LETTER


FIELDS = st.sampled_from(
    [b"Subject: x\n", b"X-Spam-Flag: YES\n", b" more\n", b"\tmore\n", b"To: a@b.test\n",
     b"X-Spam-Flag: A\r\n", b"X-Virus-Status: C\n\ttail\n"]
)  # fmt: skip


@given(st.lists(FIELDS).map(b"".join), st.sampled_from([b"", b"\n", b"\nbody\n", b"\r\nbody"]))
def test_everything_else_stays(header, rest):
    cleaned = headers.without_verdicts(header + rest)
    assert b"X-Spam-Flag" not in cleaned
    assert cleaned.endswith(rest)
    assert cleaned.count(b"To: a@b.test\n") == header.count(b"To: a@b.test\n")
    assert cleaned.count(b"Subject: x") == header.count(b"Subject: x")


def test_the_subject_is_tagged_once():
    once = headers.with_subject_tag(LETTER, "[SPAM]")
    assert read(once)["Subject"] == "[SPAM] hello"
    assert headers.with_subject_tag(once, "[SPAM]") == once
    assert len(once) == len(LETTER) + len("[SPAM] ")


def test_a_message_without_subject_gets_one():
    assert headers.with_subject_tag(b"To: x@y.test\n\nbody\n", "[SPAM]") == (
        b"Subject: [SPAM]\nTo: x@y.test\n\nbody\n"
    )
    assert headers.with_subject_tag(b"\nSubject: body\n", "[S]") == b"Subject: [S]\n\nSubject: body\n"


def test_folded_and_oddly_written_subjects_are_tagged():
    found = headers.with_subject_tag(b"SUBJECT:\n a long\n story\nTo: x\n\n", "[S]")
    assert read(found)["Subject"] == "[S] a long story"
