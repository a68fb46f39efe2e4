"""Zones on a real PowerDNS, seen by a DNS client."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import pytest

from heliosphere.contracts.dns_zones import RecordSet, ZoneSpec
from tests.agent.conftest import Node
from tests.agent.jobs import envelope, run_and_die, run_once

pytestmark = pytest.mark.integration


def zone(name: str) -> ZoneSpec:
    return ZoneSpec(
        name,
        ("ns1.heliosphere.test", "ns2.heliosphere.test"),
        "host.master@heliosphere.test",
        (
            RecordSet(f"{name}.", "A", 300, ("127.0.0.1",)),
            RecordSet(f"www.{name}.", "CNAME", 300, (f"{name}.",)),
            RecordSet(f"{name}.", "MX", 300, (f"10 mail.{name}.",)),
            RecordSet(f"mail.{name}.", "AAAA", 300, ("2001:db8:0:0::1",)),
            RecordSet(f"{name}.", "TXT", 300, ('"v=spf1 mx -all"',)),
        ),
    )


class Server:
    def __init__(self, node: Node) -> None:
        self.port = node.house.port("dns")

    def ask(self, name: str, kind: str) -> list[str]:
        query = dns.message.make_query(name, kind)
        answer = dns.query.udp(query, "127.0.0.1", port=self.port, timeout=5)
        return sorted(str(item) for rrset in answer.answer for item in rrset)

    def serial(self, name: str) -> int:
        return int(self.ask(name, "SOA")[0].split()[2])


@pytest.fixture
def server(dns_node: Node) -> Server:
    return Server(dns_node)


def test_a_zone_answers_with_all_its_records(dns_node: Node, server: Server, tmp_path: Path) -> None:
    outcome = run_once(dns_node.config(tmp_path), envelope("dns_zone.apply", zone("one.test")))

    assert outcome.status == "done", outcome
    assert server.ask("one.test", "A") == ["127.0.0.1"]
    assert server.ask("one.test", "NS") == ["ns1.heliosphere.test.", "ns2.heliosphere.test."]
    assert server.ask("one.test", "MX") == ["10 mail.one.test."]
    assert server.ask("mail.one.test", "AAAA") == ["2001:db8::1"]
    assert server.ask("one.test", "TXT") == ['"v=spf1 mx -all"']
    soa = server.ask("one.test", "SOA")[0].split()
    assert soa[:2] == ["ns1.heliosphere.test.", "host\\.master.heliosphere.test."]
    assert soa[3:] == ["10800", "3600", "604800", "3600"]


def test_applying_twice_changes_once(dns_node: Node, server: Server, tmp_path: Path) -> None:
    config = dns_node.config(tmp_path)
    run_once(config, envelope("dns_zone.apply", zone("twice.test")))
    serial = server.serial("twice.test")

    again = run_once(config, envelope("dns_zone.apply", zone("twice.test"), job=2, fence=2))

    assert again.status == "done"
    assert again.changes == ()
    assert server.serial("twice.test") == serial


def test_a_change_touches_only_what_differs_and_raises_the_serial(
    dns_node: Node, server: Server, tmp_path: Path
) -> None:
    config = dns_node.config(tmp_path)
    run_once(config, envelope("dns_zone.apply", zone("diff.test")))
    serial = server.serial("diff.test")
    before = zone("diff.test")
    moved = RecordSet("diff.test.", "A", 300, ("127.0.0.9",))
    wanted = replace(before, records=(moved, *before.records[2:]))

    outcome = run_once(config, envelope("dns_zone.apply", wanted, job=2, fence=2))

    assert outcome.changes == ("change diff.test: set diff.test. A, remove www.diff.test. CNAME",)
    assert server.ask("diff.test", "A") == ["127.0.0.9"]
    assert server.ask("www.diff.test", "CNAME") == []
    assert server.serial("diff.test") > serial


def test_inspecting_names_the_drift_and_mends_nothing(dns_node: Node, server: Server, tmp_path: Path) -> None:
    config = dns_node.config(tmp_path)
    run_once(config, envelope("dns_zone.apply", zone("drift.test")))
    wanted = replace(zone("drift.test"), records=zone("drift.test").records[:1])

    outcome = run_once(config, envelope("dns_zone.inspect", wanted, job=2, fence=2))

    assert "remove www.drift.test. CNAME" in outcome.changes[0]
    assert server.ask("www.drift.test", "CNAME") != []


def test_removing_a_zone_twice_is_success(dns_node: Node, server: Server, tmp_path: Path) -> None:
    config = dns_node.config(tmp_path)
    run_once(config, envelope("dns_zone.apply", zone("gone.test")))

    first = run_once(config, envelope("dns_zone.remove", zone("gone.test"), job=2, fence=2))
    second = run_once(config, envelope("dns_zone.remove", zone("gone.test"), job=3, fence=3))

    assert (first.status, second.status) == ("done", "done")
    assert first.changes != ()
    assert second.changes == ()
    assert server.ask("gone.test", "SOA") == []


def test_a_zone_somebody_else_made_is_left_alone(dns_node: Node, server: Server, tmp_path: Path) -> None:
    config = dns_node.config(tmp_path)
    run_once(config, envelope("dns_zone.apply", zone("foreign.test")))
    _give_to(dns_node, "foreign.test", "somebody")

    outcome = run_once(config, envelope("dns_zone.remove", zone("foreign.test"), job=2, fence=2))

    assert (outcome.status, outcome.code) == ("refused", "zone_not_ours")
    assert "set-account" in outcome.advice
    assert server.ask("foreign.test", "A") == ["127.0.0.1"]


def test_a_record_the_server_rejects_is_refused_with_its_words(dns_node: Node, tmp_path: Path) -> None:
    bad = replace(zone("bad.test"), records=(RecordSet("bad.test.", "A", 300, ("not-an-address",)),))

    outcome = run_once(dns_node.config(tmp_path), envelope("dns_zone.apply", bad))

    assert (outcome.status, outcome.code) == ("refused", "dns_rejected")
    assert "not-an-address" in outcome.message


@pytest.mark.parametrize("at", range(12))
def test_killed_at_any_step_the_next_try_ends_with_one_whole_zone(
    dns_node: Node, server: Server, tmp_path: Path, at: int
) -> None:
    config = dns_node.config(tmp_path)
    name = f"kill{at}.test"
    died = run_and_die(config, envelope("dns_zone.apply", zone(name)), at)

    outcome = run_once(config, envelope("dns_zone.apply", zone(name), fence=2))

    assert outcome.status == "done"
    assert server.ask(name, "A") == ["127.0.0.1"]
    assert len(server.ask(name, "MX")) == 1
    assert server.serial(name) % 100 == 1, "the zone was written once"
    assert died == (at < 5)


@pytest.mark.parametrize("at", range(6))
def test_killed_while_removing_the_next_try_leaves_no_zone(
    dns_node: Node, server: Server, tmp_path: Path, at: int
) -> None:
    config, name = dns_node.config(tmp_path), f"gone{at}.test"
    run_once(config, envelope("dns_zone.apply", zone(name)))
    assert server.ask(name, "A") == ["127.0.0.1"]
    run_and_die(config, envelope("dns_zone.remove", zone(name), job=2, fence=2), at)

    outcome = run_once(config, envelope("dns_zone.remove", zone(name), job=2, fence=3))

    assert outcome.status == "done"
    assert server.ask(name, "A") == []


def _give_to(node: Node, name: str, account: str) -> None:
    import httpx

    answer = httpx.put(
        f"http://{node.house.address('dns_api')}/api/v1/servers/localhost/zones/{name}.",
        headers={"X-API-Key": "test-pdns-api-key"},
        json={"account": account, "kind": "Master"},
    )
    answer.raise_for_status()
