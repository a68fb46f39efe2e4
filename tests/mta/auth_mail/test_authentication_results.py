"""The Authentication-Results field: ours is safe whatever it holds, and others' claims to be ours go."""

import email.policy
from email.parser import BytesParser

import pytest

from heliosphere.mta.rules.origin.authentication_results import (
    MethodResult,
    authentication_results_field,
    claimed_id,
    claiming_fields,
    without_claims,
)

OURS = "mx.one.test"


def field(*results: MethodResult) -> str:
    return authentication_results_field(OURS, results).decode("ascii")


def test_field_has_a_line_for_each_result():
    text = field(
        MethodResult("spf", "pass", properties=(("smtp.mailfrom", "carl@far.test"),)),
        MethodResult(
            "dkim", "fail", "body hash does not match", (("header.d", "far.test"), ("header.s", ""))
        ),
        MethodResult(
            "dmarc", "fail", properties=(("header.from", "far.test"),), comment="p=reject dis=reject"
        ),
    )
    assert text == (
        "Authentication-Results: mx.one.test;\n"
        "\tspf=pass smtp.mailfrom=carl@far.test;\n"
        '\tdkim=fail reason="body hash does not match" header.d=far.test;\n'
        "\tdmarc=fail (p=reject dis=reject) header.from=far.test\n"
    )


def test_nothing_checked_says_none():
    assert field() == "Authentication-Results: mx.one.test;\n\tnone\n"


def test_long_lines_are_folded_between_words():
    text = field(MethodResult("dkim", "pass", properties=tuple((f"header.x{n}", "y" * 30) for n in range(6))))
    assert max(len(line) for line in text.split("\n")) <= 78
    assert " ".join(text.split()).count("y" * 30) == 6


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("far.test", "far.test"),
        ("carl@far.test", "carl@far.test"),
        ("a b", '"a b"'),
        ('q"u\\o', '"q\\"u\\\\o"'),
        ("a;b", '"a;b"'),
        ("x\r\nX-Evil: 1", '"x??X-Evil: 1"'),
        ("ü", '"?"'),
        ("(c)", '"(c)"'),
        ("ab/cd+e=", '"ab/cd+e="'),
    ],
)
def test_values_are_quoted_where_they_must_be(value, written):
    assert field(MethodResult("spf", "pass", properties=(("smtp.mailfrom", value),))).endswith(
        f"smtp.mailfrom={written}\n"
    )


def test_comment_cannot_be_left():
    assert "(a? dmarc=pass ??b)" in field(MethodResult("dmarc", "fail", comment="a) dmarc=pass (\\b"))


@pytest.mark.parametrize(
    ("value", "claimed"),
    [
        (" mx.one.test; none", "mx.one.test"),
        ("mx.one.test 1; spf=pass", "mx.one.test"),
        ("\r\n (a (nested) \\) comment)\r\n\tmx.one.test(c); none", "mx.one.test"),
        (' "mx.one.test"; none', "mx.one.test"),
        (' "mx\\.one.test" ; none', "mx.one.test"),
        (" mx.one.test", "mx.one.test"),
        (" ;", None),
        ("", None),
        (' "open', None),
        (" (open mx.one.test", None),
    ],
)
def test_claimed_id(value, claimed):
    assert claimed_id(value) == claimed


CLAIMS = [
    b"Authentication-Results: mx.one.test; spf=pass\n",
    b"authentication-results : MX.One.Test. 1; spf=pass\n",
    b'AUTHENTICATION-RESULTS:\n (x)\n\t"mx.one.test";\n dkim=pass\n',
    b"Authentication-Results: (broken mx.one.test; dkim=pass\n",
]
OTHERS = [
    b"Authentication-Results: mx.two.test; spf=pass\n",
    b"Authentication-Results: sub.mx.one.test; spf=pass\n",
    b"ARC-Authentication-Results: i=1; mx.one.test; spf=pass\n",
    b"X-Authentication-Results: mx.one.test; spf=pass\n",
    b"Subject: Authentication-Results: mx.one.test; x\n",
    b"X: folded\n Authentication-Results: mx.one.test; x\n",
]


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_claims_to_be_us_are_taken_out(claim, line_end):
    rest = b"".join(OTHERS) + b"From: a@far.test\n\nAuthentication-Results: mx.one.test; in the body\n"
    message, kept = ((claim + rest).replace(b"\n", line_end), rest.replace(b"\n", line_end))
    assert without_claims(message, OURS) == kept
    upside = (rest.replace(b"\n\n", b"\n" + claim + b"\n")).replace(b"\n", line_end)
    assert without_claims(upside, OURS) == kept


def test_message_without_claims_is_left_alone():
    message = b"".join(OTHERS) + b"\nbody"
    assert claiming_fields(message, OURS) == ()
    assert without_claims(message, OURS) is message


def test_internationalized_name_is_the_same_either_way():
    claim = "Authentication-Results: müller.test; x\n".encode()
    assert without_claims(claim, "xn--mller-kva.test") == b""
    assert without_claims(b"Authentication-Results: xn--mller-kva.test; x\n", "müller.test") == b""


def test_mail_readers_see_one_field():
    text = field(MethodResult("spf", "fail", 'r\n\n"x', (("smtp.mailfrom", "a\n\nb@c"),), "c\n\n)"))
    parsed = BytesParser(policy=email.policy.compat32).parsebytes(text.encode() + b"\nbody")
    assert parsed.keys() == ["Authentication-Results"]
    assert parsed.get_payload() == "body"
