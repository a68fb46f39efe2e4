"""rblhosts: what a line means, what an answer means, and what a listed client hears."""

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.rules.clients.block_lists import (
    ListOutcome,
    ListZone,
    check_lists,
    classic_answer,
    classic_greeting,
    log_line,
    parse_zones,
    verdict_of_rule,
)
from heliosphere.mta.rules.dns_facts import (
    FAILED,
    NO_DATA,
    NO_NAME,
    DnsAnswer,
    DnsQuestion,
    DnsStatus,
    answer_from,
)

IP = "192.0.2.99"
REVERSED = "99.2.0.192"
HIT = ("127.0.0.2",)


def found(*values):
    return DnsAnswer(DnsStatus.FOUND, values, 60)


def asked_about(zone_file, facts=(), ip=IP, reverse=REVERSED, **flags):
    """The verdict when the DNS knows `facts`, zone by zone, and no other name."""
    zones, _ = parse_zones(zone_file.split("\n"))
    known = {f"{reverse}.{zone}": answer for zone, answer in dict(facts).items()}
    return answer_from(lambda question: known.get(question.name, NO_NAME), check_lists(ip, zones, **flags))


# The file


@pytest.mark.guide("MAIL-RBL-001", "MAIL-RBL-003", "MAIL-RBL-004", "MAIL-RBL-010")
def test_every_form_of_a_line():
    zones, problems = parse_zones(
        [
            "# ours", "", "bl.test  ", "a:White.test", "x.test: %IP% is listed", '"y.test: %IP% blocked, see http://y.test/"',
            '"q3xkey.r.mail.test: said \\"no\\""', "z.test:short", '"plain.test"', '"a:good.test"',
        ]
    )  # fmt: skip
    assert zones == (
        ListZone("bl.test", None, False, 3),
        ListZone("white.test", None, True, 4),
        ListZone("x.test", "%IP% is listed", False, 5),
        ListZone("y.test", "%IP% blocked, see http://y.test/", False, 6),
        ListZone("q3xkey.r.mail.test", 'said "no"', False, 7),
        ListZone("z.test", "short", False, 8),
        ListZone("plain.test", None, False, 9),
        ListZone("good.test", None, True, 10),
    )
    assert [(one.line, one.is_warning) for one in problems] == [(5, True)]


@pytest.mark.parametrize(
    "line",
    [
        '"x.test: no end',
        '"',
        "bl test",
        "nodot",
        "a:",
        "a:nodot",
        "x..test",
        "bl.test/x",
        '"x.test: a\\"',
        ": text",
    ],
)
def test_a_line_that_is_no_list_is_left_out_and_named(line):
    zones, problems = parse_zones(["bl.test", line])

    assert [zone.zone for zone in zones] == ["bl.test"]
    assert [(one.line, one.source, one.is_warning) for one in problems] == [(2, line, False)]


@given(st.lists(st.text()))
def test_any_lines_can_be_read(lines):
    zones, problems = parse_zones(lines)
    assert all(1 <= one.line <= len(lines) for one in (*zones, *problems))
    assert all("." in zone.zone for zone in zones)


# What is asked


def test_all_lists_are_asked_at_once():
    zones, _ = parse_zones(["bl.test", "a:white.test", "x.test: no"])
    questions = next(check_lists(IP, zones))

    assert questions == (
        DnsQuestion(f"{REVERSED}.bl.test", "TXT"),
        DnsQuestion(f"{REVERSED}.white.test", "A"),
        DnsQuestion(f"{REVERSED}.x.test", "A"),
    )


def test_ipv6_clients_are_asked_by_nibbles():
    (question,) = next(check_lists("2001:db8::1", (ListZone("bl.test"),)))
    assert question.name == "1." + "0." * 23 + "8.b.d.0.1.0.0.2.bl.test"
    (question,) = next(check_lists("::ffff:192.0.2.99", (ListZone("bl.test"),)))
    assert question.name == f"{REVERSED}.bl.test"


def test_without_lists_nothing_is_asked():
    with pytest.raises(StopIteration) as end:
        next(check_lists(IP, ()))
    assert end.value.value.outcome is ListOutcome.NOT_LISTED


# What answers mean


@pytest.mark.guide("MAIL-RBL-001", "MAIL-RBL-016")
def test_a_listed_client_is_refused_for_now_with_the_lists_text():
    verdict = asked_about("bl.test", {"bl.test": found("see http://bl.test/")})

    assert (verdict.outcome, verdict.zone, verdict.line) == (ListOutcome.LISTED, "bl.test", 1)
    assert verdict.reply().line() == "451 4.7.1 see http://bl.test/ (#4.7.1)"
    assert verdict.asked == ((DnsQuestion(f"{REVERSED}.bl.test", "TXT"), found("see http://bl.test/")),)


@pytest.mark.guide("MAIL-RBL-015")
def test_flagrblbounce_makes_it_permanent():
    verdict = asked_about("bl.test", {"bl.test": found("no")}, bounce=True)
    assert (verdict.code, verdict.status) == (553, "5.7.1")


@pytest.mark.guide("MAIL-RBL-006", "MAIL-RBL-009")
def test_a_list_without_txt_is_asked_for_its_address_and_gives_our_text():
    line = '"q3xkey.r.bl.test: %IP% blocked using RBL+, please see http://bl.test/?%IP%"'
    verdict = asked_about(line, {"q3xkey.r.bl.test": found(*HIT)})

    assert verdict.text == f"{IP} blocked using RBL+, please see http://bl.test/?{IP}"
    assert "q3xkey" not in verdict.text


@pytest.mark.parametrize("address", ["192.0.2.1", "128.0.0.1", "126.255.255.255", "nonsense"])
def test_an_address_outside_loopback_lists_nobody(address):
    facts = {"x.test": found(address), "white.test": found(address), "bl.test": found("listed")}
    assert asked_about("x.test: no", facts).outcome is ListOutcome.NOT_LISTED
    assert asked_about("a:white.test\nbl.test", facts).outcome is ListOutcome.LISTED


@pytest.mark.guide("MAIL-RBL-003", "MAIL-RBL-004")
def test_the_first_list_in_the_file_decides():
    facts = {"white.test": found(*HIT), "bl.test": found("listed")}

    verdict = asked_about("a:white.test\nbl.test", facts)
    assert (verdict.outcome, verdict.code, verdict.zone) == (ListOutcome.ALLOWED, 0, "white.test")
    assert asked_about("bl.test\na:white.test", facts).code == 451


@pytest.mark.parametrize("answer", [NO_NAME, NO_DATA, found("")])
def test_no_answer_is_no_listing(answer):
    assert not asked_about("bl.test", {"bl.test": answer}).is_refused


# When a list fails


def test_a_list_that_fails_lists_nobody():
    verdict = asked_about("bl.test", {"bl.test": FAILED})
    assert (verdict.outcome, verdict.reply()) == (ListOutcome.NOT_LISTED, None)


@pytest.mark.guide("MAIL-RBL-012")
@pytest.mark.parametrize("bounce", [False, True])
def test_with_flagfailclosed_a_failure_is_temporary_whatever_flagrblbounce_says(bounce):
    verdict = asked_about("code7.bl.test", {"code7.bl.test": FAILED}, fail_closed=True, bounce=bounce)

    assert (verdict.outcome, verdict.code, verdict.status) == (ListOutcome.FAILED, 451, "4.3.0")
    assert "code7" not in verdict.text
    assert verdict.zone == "code7.bl.test"


def test_a_list_of_good_clients_that_fails_lets_in_or_counts_for_nothing():
    facts = {"white.test": FAILED, "bl.test": found("listed")}

    assert asked_about("a:white.test\nbl.test", facts, bounce=True).outcome is ListOutcome.ALLOWED
    closed = asked_about("a:white.test\nbl.test", facts, fail_closed=True, bounce=True)
    assert (closed.outcome, closed.code) == (ListOutcome.LISTED, 451)


def test_after_a_failure_a_listing_is_only_temporary():
    facts = {"one.test": FAILED, "two.test": found("-listed")}
    assert asked_about("one.test\ntwo.test", facts, bounce=True).code == 451
    assert asked_about("two.test\none.test", facts).code == 553


def test_a_list_that_answers_first_hides_a_failure_behind_it():
    facts = {"one.test": found("listed"), "two.test": FAILED}
    assert asked_about("one.test\ntwo.test", facts, fail_closed=True, bounce=True).code == 553


# Texts


def test_a_text_is_cut_and_cleaned():
    verdict = asked_about("bl.test", {"bl.test": found("a\r\n250 ok\x80\xff" + "x" * 600)})
    assert verdict.text.startswith("a??250 ok??x")
    assert len(verdict.text) == 500


@given(st.text(), st.booleans(), st.booleans())
def test_no_text_breaks_a_reply(text, bounce, closed):
    verdict = asked_about("bl.test", {"bl.test": found(text)}, bounce=bounce, fail_closed=closed)
    assert all(" " <= char <= "~" for char in verdict.text)
    assert len(verdict.text) <= 500


@pytest.mark.parametrize(
    ("value", "bounce", "code", "text"),
    [("No dial-up", False, 451, "No dial-up"), ("-No dial-up", False, 553, "No dial-up"),
     ("No dial-up", True, 553, "No dial-up"), ("", True, 0, "")],
)  # fmt: skip
def test_rblsmtpd_in_a_rule_decides_without_asking(value, bounce, code, text):
    verdict = verdict_of_rule(value, bounce=bounce)
    assert (verdict.code, verdict.text) == (code, text)


def test_a_rule_without_rblsmtpd_leaves_it_to_the_lists():
    assert verdict_of_rule(None) is None


# The classic conversation


def conversation(verdict, *commands):
    return [classic_answer(command, verdict, "mx.test").line() for command in commands]


@pytest.mark.guide("MAIL-RBL-019")
def test_a_listed_client_may_talk_but_not_send():
    verdict = verdict_of_rule("-no way")
    said = conversation(
        verdict, "EHLO x", "MAIL FROM:<a@b.test>", "rcpt TO:<c@d.test>", "DATA", "RSET", "AUTH PLAIN", "QUIT"
    )

    assert classic_greeting("mx.test").line() == "220 mx.test"
    refusal = "553 5.7.1 no way (#5.7.1)"
    assert said == ["250 mx.test", "250 mx.test", refusal, refusal, "250 mx.test", refusal, "221 mx.test"]
    assert classic_answer("QUIT", verdict, "mx.test").close


@pytest.mark.integration
@pytest.mark.parametrize("value", ["-no way", "for now"])
def test_the_original_gives_the_same_codes(value):
    commands = [
        "HELO x",
        "MAIL FROM:<a@b>",
        "RCPT TO:<c@d>",
        "DATA",
        "VRFY",
        "STARTTLS",
        "RSET",
        "NOOP",
        "QUIT",
    ]
    done = subprocess.run(
        ["rblsmtpd", "true"], input="".join(f"{one}\r\n" for one in commands), capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "TCPREMOTEIP": IP, "RBLSMTPD": value}, timeout=20, check=True,
    )  # fmt: skip
    theirs = [line[:3] for line in done.stdout.splitlines()]
    assert theirs == ["220", *(line[:3] for line in conversation(verdict_of_rule(value), *commands))]
    assert done.stderr.startswith(f"rblsmtpd: {IP} pid ")


def test_the_log_line_names_the_client():
    assert log_line(IP, 900, verdict_of_rule("listed")) == f"{IP} pid 900: 451 listed"
