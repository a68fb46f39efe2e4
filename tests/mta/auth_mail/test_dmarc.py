"""DMARC: records, discovery, alignment and what is asked of the receiver."""

import pytest

from heliosphere.mta.rules.dns_facts import answer_from
from heliosphere.mta.rules.origin.dmarc import (
    DmarcRecord,
    DmarcResult,
    find_policy,
    is_aligned,
    judge_dmarc,
    organizational_domain,
    parse_dmarc,
    strictest,
)
from heliosphere.mta.rules.origin.from_domains import domains_in
from heliosphere.mta.rules.origin.message_signatures import DkimResult, DkimStatus
from heliosphere.mta.rules.origin.spf import SpfResult, SpfSource, SpfStatus
from tests.mta.auth_mail.support import zone

NO_SPF = SpfResult(SpfStatus.NONE, "")


def spf(domain: str, status: str = "pass", source: SpfSource = SpfSource.PUBLISHED) -> SpfResult:
    return SpfResult(SpfStatus(status), domain, source=source)


def dkim(domain: str, status: str = "pass") -> DkimResult:
    return DkimResult(DkimStatus(status), domain)


def judged(record: str, domain="far.test", by_spf=NO_SPF, by_dkim=(), draw=0, **more) -> DmarcResult:
    """`record` stands at the organizational domain."""
    answers = zone(**{f"_dmarc.{organizational_domain(domain)}": {"TXT": record}, **more})
    return judge_dmarc(answer_from(answers, find_policy(domain)), by_spf, by_dkim, draw)


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("v=DMARC1; p=reject", DmarcRecord("reject")),
        ("v=DMARC1;p=none;", DmarcRecord("none")),
        (" v = DMARC1 ; p = Quarantine", DmarcRecord("quarantine")),
        ("v=DMARC1; p=none; adkim=s; aspf=S", DmarcRecord("none", strict_dkim=True, strict_spf=True)),
        ("v=DMARC1; p=reject; sp=none; np=quarantine", DmarcRecord("reject", "none", "quarantine")),
        ("v=DMARC1; p=reject; pct=30; t=y", DmarcRecord("reject", percent=30, testing=True)),
        ("v=DMARC1; p=reject; pct=many; adkim=x; junk; =; x=y", DmarcRecord("reject")),
        ("v=DMARC1; p=reject; p=none", DmarcRecord("reject")),
        ("v=DMARC1; adkim=s; p=reject", DmarcRecord("reject", strict_dkim=True)),
        ("v=DMARC1; p=bad; rua=mailto:r@far.test", DmarcRecord("none")),
        ("v=DMARC1; rua=mailto:r@far.test", DmarcRecord("none")),
        ("v=DMARC1; p=reject; sp=bad; rua=mailto:r@far.test", DmarcRecord("none")),
        ("v=DMARC1; p=bad", None),
        ("v=DMARC1; p=reject; sp=bad", None),
        ("v=DMARC1", None),
        ("v=dmarc1; p=reject", None),
        ("p=reject; v=DMARC1", None),
        ("v=DMARC10; p=reject", None),
        ("", None),
    ],
)  # fmt: skip
def test_records(text, record):
    assert parse_dmarc(text) == record


@pytest.mark.parametrize(
    ("domain", "organization"),
    [
        ("far.test", "far.test"), ("a.b.far.test", "far.test"), ("a.co.uk", "a.co.uk"),
        ("x.a.co.uk", "a.co.uk"),
        ("co.uk", "co.uk"), ("mail.example.com", "example.com"), ("xn--mller-kva.de", "xn--mller-kva.de"),
    ],
)  # fmt: skip
def test_organizational_domain(domain, organization):
    assert organizational_domain(domain) == organization


def test_alignment():
    assert is_aligned("mail.far.test", "far.test", strict=False)
    assert is_aligned("far.test", "news.far.test", strict=False)
    assert not is_aligned("mail.far.test", "far.test", strict=True)
    assert is_aligned("far.test", "far.test", strict=True)
    assert not is_aligned("evilfar.test", "far.test", strict=False)
    assert not is_aligned("a.co.uk", "b.co.uk", strict=False)
    assert not is_aligned("", "far.test", strict=False)


def test_aligned_spf_or_dkim_passes():
    assert judged("v=DMARC1; p=reject", by_spf=spf("far.test")).aligned == ("spf",)
    assert judged("v=DMARC1; p=reject", by_dkim=[dkim("mail.far.test")]).aligned == ("dkim",)
    both = judged("v=DMARC1; p=reject", by_spf=spf("far.test"), by_dkim=[dkim("x.test"), dkim("far.test")])
    assert (both.status, both.aligned, both.policy, both.disposition) == (
        "pass",
        ("spf", "dkim"),
        "reject",
        "none",
    )


@pytest.mark.parametrize("policy", ["none", "quarantine", "reject"])
def test_what_passed_for_another_domain_does_not_count(policy):
    result = judged(
        f"v=DMARC1; p={policy}",
        by_spf=spf("bulk.test"),
        by_dkim=[dkim("bulk.test"), dkim("far.test", "fail")],
    )
    assert (result.status, result.policy, result.disposition) == ("fail", policy, policy)


@pytest.mark.parametrize("status", ["fail", "policy", "neutral", "permerror"])
def test_only_a_passing_signature_counts(status):
    assert judged("v=DMARC1; p=reject", by_dkim=[dkim("far.test", status)]).status == "fail"


@pytest.mark.parametrize("source", [SpfSource.GUESS, SpfSource.LOCAL])
def test_pass_by_local_rules_does_not_count(source):
    assert judged("v=DMARC1; p=reject", by_spf=spf("far.test", source=source)).status == "fail"


def test_strict_alignment_wants_the_same_name():
    strict = "v=DMARC1; p=reject; aspf=s; adkim=s"
    below = {"by_spf": spf("mail.far.test"), "by_dkim": [dkim("mail.far.test")]}
    assert judged(strict, **below).status == "fail"
    assert judged("v=DMARC1; p=reject; aspf=s", **below).aligned == ("dkim",)
    assert judged("v=DMARC1; p=reject; adkim=s", **below).aligned == ("spf",)


def test_subdomain_follows_sp_and_its_own_record_first():
    assert judged("v=DMARC1; p=reject", "news.far.test").disposition == "reject"
    assert judged("v=DMARC1; p=reject; sp=quarantine", "news.far.test").disposition == "quarantine"
    own = {"_dmarc.news.far.test": {"TXT": "v=DMARC1; p=none; sp=reject"}}
    assert judged("v=DMARC1; p=reject", "news.far.test", **own).disposition == "none"


def test_np_is_for_names_that_do_not_exist():
    record = "v=DMARC1; p=none; sp=quarantine; np=reject"
    assert judged(record, "gone.far.test").disposition == "reject"
    assert (
        judged(record, "there.far.test", **{"there.far.test": {"MX": "10 mx.far.test"}}).disposition
        == "quarantine"
    )
    assert judged(record, "quiet.far.test", **{"quiet.far.test": {"A": "FAILED"}}).disposition == "quarantine"
    assert judged(record, "far.test").disposition == "none"


@pytest.mark.parametrize(
    ("policy", "lower"), [("reject", "quarantine"), ("quarantine", "none"), ("none", "none")]
)
def test_testing_and_pct_lower_the_policy_by_one_step(policy, lower):
    assert judged(f"v=DMARC1; p={policy}; t=y").disposition == lower
    assert judged(f"v=DMARC1; p={policy}; pct=30", draw=30).disposition == lower
    assert judged(f"v=DMARC1; p={policy}; pct=30", draw=29).disposition == policy
    assert judged(f"v=DMARC1; p={policy}; pct=0", draw=0).disposition == lower
    assert judged(f"v=DMARC1; p={policy}; pct=30", draw=99).policy == policy


@pytest.mark.parametrize(
    "text",
    [("v=DMARC1; p=reject", "v=DMARC1; p=none"), "v=DMARC1; p=bad", "v=spf1 -all"],
    ids=["two", "bad", "other"],
)
def test_unusable_records_are_no_policy(text):
    result = judged(text)
    assert (result.status, result.policy, result.disposition) == ("none", None, "none")


def test_dns_failures_are_temporary():
    assert judged("FAILED").status == "temperror"
    hidden = judged("v=DMARC1; p=reject", by_dkim=[dkim("far.test", "temperror")])
    assert (hidden.status, hidden.disposition) == ("temperror", "none")
    assert judged("v=DMARC1; p=reject", by_spf=spf("far.test", "temperror")).status == "temperror"
    assert judged("v=DMARC1; p=reject", by_spf=spf("bulk.test", "temperror")).status == "fail"
    saved = judged("v=DMARC1; p=reject", by_spf=spf("far.test", "temperror"), by_dkim=[dkim("far.test")])
    assert saved.status == "pass"


def test_both_places_of_a_policy_are_asked_at_once():
    assert [one.name for one in next(find_policy("a.news.far.test"))] == [
        "_dmarc.a.news.far.test", "_dmarc.far.test"
    ]  # fmt: skip


def test_of_several_from_domains_the_strictest_counts():
    none = judged("v=DMARC1; p=none", by_spf=spf("far.test"))
    reject = judged("v=DMARC1; p=reject", "bank.test", by_spf=spf("far.test"))
    assert strictest([none, reject]) is reject
    assert strictest([reject, none]) is reject


@pytest.mark.parametrize(
    ("value", "domains"),
    [
        ("carl@far.test", ("far.test",)),
        (" Carl <carl@FAR.test.>", ("far.test",)),
        ('"Carl, of <x@bank.test>" <carl@far.test>', ("far.test",)),
        ("ceo@bank.test <x@evil.test>", ("evil.test",)),
        ("(x@bank.test (nested) \\) ) carl(c)@far.test(d)", ("far.test",)),
        ('(5" tall) Carl <carl@far.test>', ("far.test",)),
        ("a@one.test, B <b@two.test>, c@one.test", ("one.test", "two.test")),
        ("Group: a@one.test, b@two.test;", ("one.test", "two.test")),
        ("Nobody:;", ()),
        ("<@relay.test,@x.test:carl@far.test>", ("far.test",)),
        ('"a@b"@far.test', ("far.test",)),
        ("carl @ far . test", ("far.test",)),
        ("jürgen@müller.test", ("xn--mller-kva.test",)),
        ("=?utf-8?q?x=40bank=2Etest?= <carl@far.test>", ("far.test",)),
        ("carl", ()),
        ("<>", ()),
        ("@far.test", ()),
        ("carl@localhost", ()),
        ("carl@[192.0.2.1]", ()),
        ("<carl@far.test", ("far.test",)),
        ("", ()),
    ],
)
def test_domains_in_from(value, domains):
    assert domains_in(value) == domains
