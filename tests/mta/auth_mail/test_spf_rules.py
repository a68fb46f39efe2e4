"""What the host's own controls make of SPF: spfbehavior, spfrules, spfguess and spfexp."""

from dataclasses import replace

import pytest

from heliosphere.mta.rules.dns_facts import answer_from
from heliosphere.mta.rules.origin.spf import (
    DEFAULT_EXPLANATION,
    SpfRequest,
    SpfResult,
    SpfSource,
    SpfStatus,
    check_host,
    explanation_problem,
    guess_problem,
    received_spf_field,
    rules_problem,
    rules_warning,
    verdict_of,
)
from tests.mta.auth_mail.support import NOW, zone

REQUEST = SpfRequest("192.0.2.2", "mail.far.test", "carl@far.test", "mx.one.test", NOW)


def checked(answers, **changes) -> SpfResult:
    return answer_from(answers, check_host(replace(REQUEST, **changes)))


def far(text: str, **more):
    return zone(**{"far.test": {"TXT": text}, **more})


BEHAVIOUR = {
    # result: what spfbehavior 0 to 6 make of it
    "pass": "aaaaaaa",
    "fail": "aaarrrr",
    "softfail": "aaaarrr",
    "neutral": "aaaaarr",
    "none": "aaaaaar",
    "permerror": "aaaaaar",
    "temperror": "aaddddd",
}


@pytest.mark.guide(
    "MAIL-SPF-007", "MAIL-SPF-008", "MAIL-SPF-009", "MAIL-SPF-010", "MAIL-SPF-011", "MAIL-SPF-012"
)
@pytest.mark.parametrize(("status", "verdicts"), BEHAVIOUR.items())
def test_each_behaviour_refuses_one_result_more(status, verdicts):
    words = {"a": "accept", "d": "defer", "r": "refuse"}
    found = [verdict_of(behaviour, SpfResult(SpfStatus(status), "far.test")) for behaviour in range(7)]
    assert found == [words[one] for one in verdicts]


def test_behaviour_out_of_range_counts_as_the_nearest():
    none = SpfResult(SpfStatus.NONE, "far.test")
    assert verdict_of(99, none) == "refuse"
    assert verdict_of(-1, none) == "accept"


@pytest.mark.parametrize(
    ("end", "first_refusal"),
    [("-all", 3), ("~all", 4), ("?all", 5), (None, 6)],
    ids=["fail", "soft", "neutral", "none"],
)
def test_record_end_decides_from_which_behaviour_on_a_stranger_is_refused(end, first_refusal):
    answers = far(f"v=spf1 ip4:192.0.2.1 {end}") if end else far("not spf")
    result = checked(answers)
    assert [verdict_of(one, result) == "refuse" for one in range(7)] == [
        one >= first_refusal for one in range(7)
    ]
    if end:
        designated = checked(answers, ip="192.0.2.1")
        assert {verdict_of(one, designated) for one in range(7)} == {"accept"}


@pytest.mark.guide("MAIL-SPF-018", "MAIL-SPF-019")
@pytest.mark.parametrize(
    "end", ["-all", "~all", "?all", "~ip4:192.0.2.2 -all", "?a -ip4:192.0.2.0/24 ~all", ""]
)
def test_spfrules_come_before_the_domain_would_not_pass(end):
    result = checked(far(f"v=spf1 ip4:192.0.2.1 {end}"), rules="ip4:192.0.2.2")
    assert (result.status, result.source, result.mechanism) == ("pass", SpfSource.LOCAL, "ip4:192.0.2.2")


def test_spfrules_come_after_the_terms_that_pass():
    result = checked(far("v=spf1 ip4:192.0.2.2 -all"), rules="-ip4:192.0.2.2")
    assert (result.status, result.source) == ("pass", SpfSource.PUBLISHED)


def test_spfrules_go_into_the_record_of_a_redirect():
    answers = far("v=spf1 redirect=other.test", **{"other.test": {"TXT": "v=spf1 -all"}})
    assert checked(answers, rules="ip4:192.0.2.2").status is SpfStatus.PASS
    assert checked(answers).status is SpfStatus.FAIL


def test_spfrules_do_not_reach_into_an_include():
    answers = far("v=spf1 -include:other.test -all", **{"other.test": {"TXT": "v=spf1 -all"}})
    result = checked(answers, rules="?ip4:192.0.2.2")
    assert (result.status, result.mechanism) == ("neutral", "?ip4:192.0.2.2")


@pytest.mark.guide("MAIL-SPF-020")
def test_spfrules_decide_for_a_domain_without_spf():
    assert checked(far("other text"), rules="ip4:192.0.2.2").status is SpfStatus.PASS
    assert checked(zone(), rules="-ip4:192.0.2.2").status is SpfStatus.FAIL
    assert checked(zone(), rules="ip4:198.51.100.1").status is SpfStatus.NONE


@pytest.mark.guide("MAIL-SPF-021")
@pytest.mark.parametrize("version", ["v=spf1 ", ""])
def test_spfguess_decides_for_a_domain_without_spf_only(version):
    guess = f"{version}a/24 mx/24 -all"
    assert checked(zone(**{"far.test": {"A": "192.0.2.9"}}), guess=guess).status is SpfStatus.PASS
    assert checked(zone(**{"far.test": {"A": "198.51.100.9"}}), guess=guess).status is SpfStatus.FAIL
    assert checked(far("v=spf1 ?all"), guess=guess).status is SpfStatus.NEUTRAL


@pytest.mark.guide("MAIL-SPF-022")
def test_spfrules_follow_spfguess():
    guessed = checked(zone(), guess="?ip4:192.0.2.0/24", rules="ip4:192.0.2.2")
    assert (guessed.status, guessed.source) == ("neutral", SpfSource.GUESS)
    followed = checked(zone(), guess="ip4:198.51.100.1 -all", rules="ip4:192.0.2.2")
    assert (followed.status, followed.source) == ("pass", SpfSource.LOCAL)
    assert checked(zone(), guess="ip4:198.51.100.1", rules="ip4:192.0.2.2").status is SpfStatus.PASS


def test_guess_that_cannot_be_evaluated_leaves_the_domain_without_policy():
    failing = zone(**{"far.test": {"A": "FAILED", "TXT": "none of ours"}})
    assert checked(failing, guess="a -all").status is SpfStatus.NONE
    assert checked(zone(), guess="include:gone.test -all").status is SpfStatus.NONE
    assert checked(zone(), guess="nonsense").status is SpfStatus.NONE
    assert checked(failing, guess="a -all", rules="ip4:192.0.2.2").status is SpfStatus.PASS


def test_broken_spfrules_change_nothing():
    for rules in ("moo", "include:gone.test", "redirect=gone.test"):
        assert checked(far("v=spf1 ip4:192.0.2.2 -all"), rules=rules).status is SpfStatus.PASS
        assert checked(far("v=spf1 -all"), rules=rules).status is SpfStatus.FAIL


def test_spfrules_do_not_use_up_the_domains_lookups():
    ten = " ".join("include:p.test" for _ in range(10))
    answers = far(f"v=spf1 {ten} -all", **{"p.test": {"TXT": "v=spf1 -all"}})
    assert checked(answers, rules="include:p.test ip4:192.0.2.2").status is SpfStatus.PASS
    assert checked(answers, rules="include:p.test").status is SpfStatus.FAIL


def test_dns_failure_in_spfrules_is_temporary():
    answers = far("v=spf1 -all", **{"partners.test": {"TXT": "FAILED"}})
    assert checked(answers, rules="include:partners.test").status is SpfStatus.TEMPERROR


@pytest.mark.parametrize("text", ["", "ip4:192.0.2.0/24 include:partners.test", "  a mx  ", "all"])
def test_usable_rules_have_no_problem(text):
    assert rules_problem(text) is None


@pytest.mark.parametrize(
    "text", ["moo", "ip4:1.2.3", "include", "a:%{x}", "redirect=a.test", "exp=a.test", "ä"]
)
def test_broken_rules_are_named(text):
    assert rules_problem(text)


def test_all_in_rules_is_allowed_and_pointed_out():
    assert rules_problem("ip4:192.0.2.1 all") is None
    assert rules_warning("ip4:192.0.2.1 all")
    assert rules_warning("ip4:192.0.2.1") is None


def test_guess_is_good_with_and_without_version():
    assert guess_problem("v=spf1 a/24 mx/24 ptr -all") is None
    assert guess_problem("a/24 mx/24 ptr -all") is None
    assert guess_problem("") is None
    assert guess_problem("v=spf1 nonsense")


# Explanations


def test_default_explanation_names_sender_domain_and_client():
    assert DEFAULT_EXPLANATION == "SPF check of %{o} failed for %{i}"
    assert checked(far("v=spf1 -all")).explanation == "SPF check of far.test failed for 192.0.2.2"


@pytest.mark.guide("MAIL-SPF-023", "MAIL-SPF-025")
@pytest.mark.parametrize(
    ("spfexp", "text"),
    [
        ("Mail from %{s} may not come from %{i}", "Mail from carl@far.test may not come from 192.0.2.2"),
        ("%{l} %{o} %{d} %{h} %{c} %{r}", "carl far.test far.test mail.far.test 192.0.2.2 mx.one.test"),
        ("%{ir}.%{v} %{d1} %{dr} %{lr-}", "2.2.0.192.in-addr test test.far carl"),
        ("100%% at %{t}%_x%-y %{p}", "100% at 1709784306 x%20y unknown"),
        ("http://x.test/?s=%{S}&i=%{I}", "http://x.test/?s=carl%40far.test&i=192.0.2.2"),
    ],
)
def test_spfexp_is_expanded(spfexp, text):
    assert checked(far("v=spf1 -all"), explanation=spfexp).explanation == text


@pytest.mark.parametrize("spfexp", ["%{q} no such letter", "100% wrong", "", "   ", "smörgås"])
def test_broken_or_empty_spfexp_means_the_default(spfexp):
    assert checked(far("v=spf1 -all"), explanation=spfexp).explanation.startswith("SPF check of far.test")
    assert (explanation_problem(spfexp) is None) == (not spfexp.strip())


@pytest.mark.guide("MAIL-SPF-026")
def test_domains_own_explanation_wins():
    answers = far("v=spf1 -all exp=why.far.test", **{"why.far.test": {"TXT": "%{i} is not ours, ask %{d}"}})
    result = checked(answers, explanation="our own text")
    assert result.explanation == "192.0.2.2 is not ours, ask far.test"


@pytest.mark.parametrize(
    "why", [{"TXT": ("two", "texts")}, {"TXT": "%{q} broken"}, {"TXT": "not äscii"}, {"TXT": "FAILED"}, {}]
)
def test_unusable_explanation_of_a_domain_leaves_ours(why):
    answers = far("v=spf1 -all exp=why.far.test", **{"why.far.test": why})
    assert checked(answers, explanation="our own text").explanation == "our own text"


@pytest.mark.parametrize("end", ["~all", "?all", ""])
def test_all_that_may_be_refused_is_explained_by_spfexp(end):
    answers = far(f"v=spf1 {end} exp=why.far.test", **{"why.far.test": {"TXT": "theirs"}})
    assert checked(answers, explanation="ours").explanation == "ours"


def test_local_rule_that_refuses_is_not_explained_by_the_domain():
    answers = far("v=spf1 -all exp=why.far.test", **{"why.far.test": {"TXT": "theirs"}})
    assert checked(answers, explanation="ours", rules="-ip4:192.0.2.2").explanation == "ours"


def test_explanation_can_be_sent_in_a_reply():
    answers = far("v=spf1 -all")
    odd = checked(answers, sender="evil\r\n250 ok\x00ü@far.test", explanation="%{s}").explanation
    assert odd == "evil??250 ok??@far.test"
    long = checked(answers, explanation="x" * 900).explanation
    assert len(long) == 500


def test_pass_needs_no_explanation():
    assert checked(far("v=spf1 +all"), explanation="ours").explanation == ""


# Identity


def test_null_sender_is_checked_by_helo_as_postmaster():
    answers = zone(**{"mail.far.test": {"TXT": "v=spf1 exists:%{l}.mail.far.test -all"},
                      "postmaster.mail.far.test": {"A": "127.0.0.2"}})  # fmt: skip
    result = checked(answers, sender="")
    assert (result.status, result.domain) == ("pass", "mail.far.test")


def test_the_last_at_sign_divides():
    assert checked(far("v=spf1 -all"), sender='"a@near.test"@far.test').domain == "far.test"


def test_unicode_domain_is_asked_for_as_a_labels():
    answers = zone(**{"xn--mller-kva.test": {"TXT": "v=spf1 ip4:192.0.2.2 -all"}})
    result = checked(answers, sender="jürgen@müller.test")
    assert (result.status, result.domain) == ("pass", "xn--mller-kva.test")


def test_local_part_outside_ascii_matches_no_macro():
    answers = far("v=spf1 exists:%{l}.far.test -all")
    assert checked(answers, sender="jürgen@far.test").status is SpfStatus.FAIL


@pytest.mark.parametrize(
    "sender", ["x@localhost", "x@[192.0.2.2]", "x@192.0.2.2", "x@a..test", "x@" + "l" * 64 + ".test"]
)
def test_domain_that_can_have_no_policy_gives_none(sender):
    result = checked(zone(), sender=sender, rules="all", guess="all")
    assert (result.status, result.lookups) == ("none", ())


def test_ipv4_in_ipv6_counts_as_ipv4():
    assert checked(far("v=spf1 ip4:192.0.2.2 -all"), ip="::ffff:192.0.2.2").status is SpfStatus.PASS


def test_result_tells_what_the_dns_said():
    answers = far("v=spf1 a:mail.far.test -all", **{"mail.far.test": {"A": "192.0.2.2"}})
    result = checked(answers)
    said = [(question.name, question.kind, answer.values) for question, answer in result.lookups]
    assert said == [
        ("far.test", "TXT", ("v=spf1 a:mail.far.test -all",)),
        ("mail.far.test", "A", ("192.0.2.2",)),
    ]
    assert result.mechanism == "a:mail.far.test"


# Received-SPF


RECEIVED = {
    "v=spf1 +all": "pass (R: SPF record at far.test designates 192.0.2.2 as permitted sender)",
    "v=spf1 -all": "fail (R: SPF record at far.test does not designate 192.0.2.2 as permitted sender)",
    "v=spf1 ?all": "neutral (R: 192.0.2.2 is neither permitted nor denied by SPF record at far.test)",
    "v=spf1 moo": "permerror (R: SPF record at far.test cannot be used)",
    "FAILED": "temperror (R: error in processing SPF record at far.test)",
    "other": "none (R: domain at far.test does not designate permitted sender hosts)",
    "v=spf1 ~all": "softfail (R: transitioning SPF record at far.test"
    " does not designate 192.0.2.2 as permitted sender)",
}


@pytest.mark.parametrize(("record", "line"), RECEIVED.items(), ids=RECEIVED)
def test_received_spf_field(record, line):
    field = received_spf_field(checked(far(record)), REQUEST).decode()
    said = line.replace("(R:", "(mx.one.test:")
    assert field == f"Received-SPF: {said} client-ip=192.0.2.2; envelope-from=carl@far.test;\n"


def test_received_spf_of_a_null_sender_has_helo():
    request = replace(REQUEST, sender="")
    field = received_spf_field(answer_from(zone(), check_host(request)), request)
    assert field.endswith(b" client-ip=192.0.2.2; helo=mail.far.test;\n")


def test_received_spf_is_one_line_whatever_the_client_says():
    request = replace(REQUEST, sender='a"b)\r\nX: y \\ü@far.test', helo="(\n")
    field = received_spf_field(checked(far("v=spf1 -all")), request)
    assert field.count(b"\n") == 1
    assert field.endswith(b'; envelope-from="a\\"b)??X: y \\\\?@far.test";\n')
    assert field.isascii()
