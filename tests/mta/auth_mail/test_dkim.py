"""DKIM signatures: those of dkimpy and our own, whole and tampered with."""

import re
from datetime import timedelta

import dkim
import pytest

from heliosphere.mta.rules.dns_facts import DnsQuestion, answer_from
from heliosphere.mta.rules.origin.message_signatures import (
    MAX_SIGNATURES,
    DkimResult,
    SignedMessage,
    verify_dkim,
)
from tests.mta.auth_mail.signing import (
    LETTER,
    NAMES,
    ed25519_key,
    key_record,
    rsa_key,
    signed,
    signed_by_dkimpy,
)
from tests.mta.auth_mail.support import NOW, zone

FORMS = [(header, body) for header in ("simple", "relaxed") for body in ("simple", "relaxed")]
EPOCH = int(NOW.timestamp())


def keys(record: str | tuple[str, ...] | None = None):
    return zone(**{"s._domainkey.far.test": {"TXT": record or key_record(rsa_key())}})


def verified(message: bytes, answers=None, now=NOW) -> tuple[DkimResult, ...]:
    return answer_from(answers or keys(), verify_dkim(SignedMessage(message), now))


def outcome(message: bytes, answers=None, now=NOW) -> tuple[str, str]:
    (result,) = verified(message, answers, now)
    return str(result.status), result.reason


# Messages signed by dkimpy and by hand


@pytest.mark.parametrize("forms", FORMS, ids="/".join)
def test_what_dkimpy_signs_verifies(forms):
    header, body = forms
    message = signed_by_dkimpy(LETTER, (header.encode(), body.encode()))
    assert dkim.verify(message, dnsfunc=lambda name, timeout=5: key_record(rsa_key()).encode())
    later = NOW.replace(year=2200)
    assert outcome(message, now=later) == ("pass", "")
    assert outcome(message.replace(b"\r\n", b"\n"), now=later) == ("pass", "")


@pytest.mark.parametrize("key", [rsa_key(1024), rsa_key(), ed25519_key()], ids=["1024", "2048", "ed25519"])
@pytest.mark.parametrize("forms", FORMS, ids="/".join)
def test_signatures_made_here_verify(forms, key):
    assert outcome(signed(key=key, form="/".join(forms)), keys(key_record(key))) == ("pass", "")


CHANGES = {
    "a letter in From": (b"Carl <", b"Karl <"),
    "a letter in Subject": (b"Dinner", b"Sinner"),
    "a recipient": (b"alice@one", b"malice@one"),
    "the body": (b"see you", b"see me "),
    "text after the body": (b"there.\r\n", b"there.\r\nBuy this.\r\n"),
    "another Subject below": (b"X-Unsigned: yes\r\n", b"X-Unsigned: yes\r\nSubject: other\r\n"),
    "a signed field taken out": (b"Message-ID: <1@far.test>\r\n", b""),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("forms", FORMS, ids="/".join)
def test_change_of_a_signed_part_fails(forms, change):
    before, after = change
    head, _, rest = signed(form="/".join(forms)).partition(b"From: Carl")
    changed = head + (b"From: Carl" + rest).replace(before, after)
    assert outcome(changed)[0] == "fail"


@pytest.mark.parametrize("tag", ["bh", "b", "h", "t"])
def test_change_of_a_tag_fails(tag):
    message = signed(t=str(EPOCH))
    changed = re.sub(rb"\b%s=(\w)(\w)" % tag.encode(), rb"%s=\2\1" % tag.encode(), message, count=1)
    assert changed != message
    assert outcome(changed)[0] != "pass"


def test_unsigned_parts_may_change():
    message = signed()
    assert (
        outcome(b"Received: by x\r\n" + message.replace(b"X-Unsigned: yes", b"X-Unsigned: no"))[0] == "pass"
    )


def test_relaxed_survives_refolding_and_simple_does_not():
    def refolded(message: bytes) -> bytes:
        return message.replace(b"\r\n  eight \r\n", b" eight\r\n").replace(
            b"see you\t there.", b"see you there. "
        )

    assert outcome(refolded(signed()))[0] == "pass"
    assert outcome(refolded(signed(form="simple/simple")))[0] == "fail"
    assert outcome(refolded(signed(form="relaxed/simple")))[0] == "fail"


def test_empty_body_and_missing_last_line_end():
    head = LETTER.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    for form in ("simple/simple", "relaxed/relaxed"):
        assert outcome(signed(head, form=form))[0] == "pass"
        assert outcome(signed(head + b"one line", form=form) + b"\r\n\r\n")[0] == "pass"


def test_fields_are_signed_from_the_bottom():
    twice = b"Subject: upper\r\n" + LETTER
    message = signed(twice, names=("from", "subject"))
    assert outcome(message.replace(b"upper", b"other"))[0] == "pass"
    assert outcome(message.replace(b"Dinner", b"Sinner"))[0] == "fail"
    both = signed(twice, names=("from", "subject", "subject", "subject"))
    assert outcome(both)[0] == "pass"
    assert outcome(both.replace(b"upper", b"other"))[0] == "fail"
    assert outcome(both.replace(b"From: Carl", b"Subject: third\r\nFrom: Carl"))[0] == "fail"


# What is not taken for a signature


def test_signature_over_a_part_of_the_body_is_no_pass():
    message = signed(length=10)
    assert outcome(message)[0] == "policy"
    assert outcome(message + b"Buy this.\r\n") == ("policy", "signature covers only 10 bytes of the body")
    whole = signed_by_dkimpy(LETTER, (b"relaxed", b"relaxed"), length=True)
    assert outcome(whole, now=NOW.replace(year=2200))[0] == "pass"
    assert outcome(signed(length=10, l="99999"))[0] == "fail"


def test_expired_signature_is_no_pass():
    message = signed(t=str(EPOCH), x=str(EPOCH + 60))
    assert outcome(message, now=NOW)[0] == "pass"
    assert outcome(message, now=NOW + timedelta(minutes=30))[0] == "pass"  # clocks differ
    assert outcome(message, now=NOW + timedelta(hours=2)) == ("policy", "signature expired")


def test_signature_from_the_future_is_no_pass():
    assert outcome(signed(t=str(EPOCH + 86400))) == ("policy", "signature is from the future")


def test_second_from_field_is_no_pass():
    message = signed()
    for spoofed in (
        b"From: ceo@bank.test\r\n" + message,
        message.replace(b"\r\n\r\n", b"\r\nFROM: x@y.test\r\n\r\n", 1),
    ):
        assert outcome(spoofed)[0] in ("policy", "fail")
    guarded = signed(names=(*NAMES, "from"))
    assert outcome(guarded)[0] == "pass"
    assert outcome(b"From: ceo@bank.test\r\n" + guarded)[0] == "fail"


def test_sha1_is_no_pass():
    assert outcome(signed(a="rsa-sha1")) == ("policy", "rsa-sha1 is obsolete")


WEAK = (
    "v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALRiMLAhTMqxo4n6xwWwUJdyYN6pFFQ8aVkpFS0hlmVgSAE0"
    "2LBfHlBMkBWaQ8ZEEJAbNAqJbWOeLqkhwSHJmyECAwEAAQ=="
)


def test_short_key_is_no_pass():
    assert outcome(signed(), keys(WEAK)) == ("policy", "RSA key of 512 bits is too short")


BROKEN_TAGS = [
    {"v": "2"}, {"v": None}, {"a": "rsa-md5"}, {"a": None}, {"d": None}, {"d": "localhost"}, {"d": "a..test"},
    {"s": None}, {"s": ""}, {"h": "to:subject"}, {"h": None}, {"bh": "*"}, {"bh": None}, {"c": "loose"},
    {"q": "http"}, {"i": "@other.test"}, {"i": "far.test"}, {"l": "ten"}, {"x": "soon"}, {"t": "-1"},
    {"t": "100", "x": "99"}, {"far": "1; v=1"}, {"x y": "1"},
]  # fmt: skip


@pytest.mark.parametrize("tags", BROKEN_TAGS, ids=str)
def test_signature_that_is_not_well_formed_is_neutral(tags):
    assert outcome(signed(**tags))[0] == "neutral"


KEYS = {
    "absent": (None, "permerror", "no key"),
    "revoked": ("v=DKIM1; p=", "permerror", "the key was revoked"),
    "broken": ("v=DKIM1; p=abc", "permerror", "key record: tag p= is not base64"),
    "no key": ("v=DKIM1; p=aaaa", "permerror", "key record: the key cannot be read"),
    "other version": ("v=DKIM2; p=aaaa", "permerror", "key record: unknown version"),
    "silent": ("FAILED", "temperror", "the DNS does not answer for the key"),
    "other kind": (key_record(ed25519_key()), "permerror", "the key is for ed25519"),
    "other hash": (key_record(rsa_key(), "h=sha1; "), "permerror", "the key is for other uses"),
    "other service": (key_record(rsa_key(), "s=tlsrpt; "), "permerror", "the key is for other uses"),
    "other key": (key_record(rsa_key(1024)), "fail", "signature does not match"),
    "testing": (key_record(rsa_key(), "t=y; "), "pass", "test mode"),
    "services": (key_record(rsa_key(), "s=other:email; h=sha1:sha256; n=note; "), "pass", ""),
    "no version": (key_record(rsa_key()).partition(";")[2], "pass", ""),
    "second text": (("some text", key_record(rsa_key())), "pass", ""),
}  # fmt: skip


@pytest.mark.parametrize(("record", "status", "reason"), KEYS.values(), ids=KEYS)
def test_key_decides(record, status, reason):
    answers = zone() if record is None else keys(record)
    assert outcome(signed(), answers) == (status, reason)


def test_key_with_flag_s_is_for_the_domain_itself():
    strict = keys(key_record(rsa_key(), "t=y:s; "))
    assert outcome(signed(i="carl@far.test"), strict)[0] == "pass"
    assert outcome(signed(i="carl@mail.far.test"), strict)[0] == "permerror"
    assert outcome(signed(i="carl@mail.far.test"))[0] == "pass"


def test_unicode_domain_is_asked_for_as_a_labels():
    answers = zone(**{"s._domainkey.xn--mller-kva.test": {"TXT": key_record(rsa_key())}})
    (result,) = verified(signed(d="müller.test"), answers)
    assert (result.status, result.domain) == ("pass", "xn--mller-kva.test")


# How it goes about it


def test_all_keys_are_asked_for_at_once():
    message = SignedMessage(signed(signed(s="one"), s="two"))
    questions = next(verify_dkim(message, NOW))
    assert questions == (
        DnsQuestion("two._domainkey.far.test", "TXT"),
        DnsQuestion("one._domainkey.far.test", "TXT"),
    )


def test_no_key_is_asked_for_when_the_body_differs():
    assert verified(signed() + b"more\r\n", answers=lambda question: pytest.fail(str(question)))


def test_only_the_topmost_signatures_are_looked_at():
    message = signed()
    field = message[: message.index(b"From:")]
    many = field * 30 + message[len(field) :]
    results = verified(many)
    assert len(results) == MAX_SIGNATURES
    assert {str(one.status) for one in results} == {"pass"}


def test_broken_signature_does_not_hide_a_good_one():
    assert [str(one.status) for one in verified(b"DKIM-Signature: nonsense\r\n" + signed())] == [
        "neutral",
        "pass",
    ]


def test_huge_header_is_not_worked_through():
    message = signed()
    assert outcome(b"X: " + b"x" * (1 << 20) + b"\r\n" + message) == (
        "policy",
        "header is too large to check",
    )


def test_unsigned_message_has_no_results():
    assert verified(LETTER) == ()
    assert verified(b"") == ()
