"""The openspf suites for RFC 7208 and RFC 4408, whole, through our evaluator."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from heliosphere.mta.rules.dns_facts import answer_from
from heliosphere.mta.rules.origin.spf import SpfRequest, SpfResult, SpfStatus, check_host
from tests.mta.auth_mail.spf_zone import SuiteZone
from tests.mta.auth_mail.support import NOW, suite

RFC_4408_DIFFERENCES = {
    # Case: our result and the section of RFC 7208 that asks for it instead of the suite's first choice.
    "spfonly": ("none", "3.1: type 99 is gone, only TXT counts"),
    "txttimeout": ("temperror", "3.1: type 99 is gone, only TXT counts"),
    "spfoverride": ("fail", "3.1: type 99 is gone, only TXT counts"),
    "multitxt1": ("permerror", "3.1: type 99 is gone, only TXT counts"),
    "multispf2": ("pass", "3.1: type 99 is gone, only TXT counts"),
    "invalid-domain-empty-label": ("fail", "4.8: a name that cannot be asked for does not match"),
    "invalid-domain-long": ("fail", "4.8: a name that cannot be asked for does not match"),
    "invalid-domain-long-via-macro": ("fail", "4.8: a name that cannot be asked for does not match"),
    "exists-dnserr": ("temperror", "5: a DNS failure in any mechanism is a temperror"),
    "mx-limit": ("permerror", "4.6.4: more than ten exchangers are an error"),
}


@dataclass(frozen=True)
class Ran:
    title: str
    case: dict
    result: SpfResult

    @property
    def wanted(self) -> list[str]:
        results = self.case["result"]
        return results if isinstance(results, list) else [results]


def ran(name: str) -> Iterator[Ran]:
    for scenario in suite(name):
        zone = SuiteZone(scenario["zonedata"])
        for title, case in scenario["tests"].items():
            request = SpfRequest(
                str(case["host"]), case.get("helo") or "", case.get("mailfrom") or "",
                "mx.receiver.test", NOW, explanation="DEFAULT",
            )  # fmt: skip
            yield Ran(title, case, answer_from(zone, check_host(request)))


def test_rfc_7208_suite_gives_the_preferred_result_in_all_203_cases():
    cases = list(ran("spf/rfc7208-tests.yml"))
    assert len(cases) == 203
    assert [(one.title, one.result) for one in cases if one.result.status != one.wanted[0]] == []


def test_rfc_4408_suite_differs_only_where_rfc_7208_decided_otherwise():
    cases = list(ran("spf/rfc4408-tests.yml"))
    assert len(cases) == 191
    assert [(one.title, one.result) for one in cases if one.result.status not in one.wanted] == []
    found = {one.title: str(one.result.status) for one in cases if one.result.status != one.wanted[0]}
    assert found == {title: result for title, (result, _) in RFC_4408_DIFFERENCES.items()}


@pytest.mark.parametrize(("name", "explained"), [("rfc7208", 22), ("rfc4408", 22)])
def test_suites_get_the_explanation_they_want(name, explained):
    cases = [
        one
        for one in ran(f"spf/{name}-tests.yml")
        if "explanation" in one.case and one.result.status is SpfStatus.FAIL
    ]
    assert len(cases) >= explained
    wrong = {
        one.title: one.result.explanation
        for one in cases
        if one.result.explanation != one.case["explanation"]
    }
    assert wrong == {}
