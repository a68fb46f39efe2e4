"""Mail servers over the API: settings, questions and their answers, and whom they are for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from heliosphere.contracts.controls import REGISTRY
from heliosphere.panel.servers.models import LogicalServer
from tests.panel.api.test_api import Caller
from tests.panel.conftest import House, open_customer, run_all_jobs
from tests.panel.mail.nodes import MailNode


@pytest.fixture
def node(house: House, tmp_path: Path) -> Iterator[MailNode]:
    open_customer(house)
    made = MailNode(tmp_path)
    run_all_jobs(made)
    made.tree.add_domain("anna.sun.test", "x")
    made.record()
    yield made
    made.close()


@pytest.fixture
def base(house: House) -> str:
    return f"/mail-servers/{LogicalServer.objects.get(name='mail1.sun.test').pk}"


def answered(caller: Caller, node: MailNode, asked) -> dict:
    """What a program does: ask, wait, fetch."""
    assert asked.status_code == 202, asked.content
    path = f"/mail-questions/{asked.json()['id']}"
    assert caller("get", path).json()["state"] == "waiting"
    run_all_jobs(node)
    found = caller("get", path).json()
    assert found["state"] == "answered", found
    return found["answer"]


def test_the_registry_is_the_schema_of_the_settings(node: MailNode) -> None:
    listed = {row["name"]: row for row in Caller("admin")("get", "/mail-controls").json()}
    assert set(listed) == {one.name for one in REGISTRY if one.in_panel and not one.secret}
    assert listed["tcpsessioncount"] == {
        "name": "tcpsessioncount", "kind": "number", "stage": "connect", "default": "40",
        "at_least": 1, "at_most": 65535, "needs_restart": True, "caution": "", "example": "", "since": "",
        "empty_means": "", "summary": "SMTP sessions served at the same time; further clients wait.",
    }  # fmt: skip
    assert (listed["catchall"]["default"], listed["badmailfrom"]["default"]) == ("1", None)


def test_settings_are_read_changed_and_told_with_what_is_wrong(node: MailNode, base: str) -> None:
    admin = Caller("admin")
    assert admin("get", f"{base}/controls").json() == {"read_at": None, "trouble": "", "controls": []}
    node.write("badhelo", "good.test\n[open\n")
    answered(admin, node, admin("post", f"{base}/controls/read"))
    states = {row["name"]: row for row in admin("get", f"{base}/controls").json()["controls"]}
    problem = states["badhelo"]["problems"][0]
    assert (states["badhelo"]["source"], problem["line"], problem["is_remark"]) == ("file", 2, False)
    changed = admin("put", f"{base}/controls", {"values": {"badhelo": None, "badmailfrom": "junk.test"}})
    assert changed.status_code == 202
    assert changed.json()["remarks"][0].startswith("badmailfrom: Line 1, “junk.test”: without @")
    run_all_jobs(node)
    assert admin("get", f"/jobs/{changed.json()['job_id']}").json()["state"] == "done"
    assert (node.control("badhelo"), node.control("badmailfrom")) == (None, "junk.test\n")
    again = admin("put", f"{base}/controls", {"values": {"badmailfrom": "junk.test"}})
    assert again.json()["job_id"] is None


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"badhelo": "[open"}, "control-bad"),
        ({"smtplog": "2"}, "control-unknown"),
        ({"badsignatures": "TVqQAAMAA"}, "control-unknown"),
        ({"nonsense": "1"}, "control-unknown"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(
    node: MailNode, base: str, values: dict[str, str], code: str
) -> None:
    refused = Caller("admin")("put", f"{base}/controls", {"values": {"databytes": "1"} | values})
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["field"] == next(iter(values))


def test_a_key_changes_settings_once(node: MailNode, base: str) -> None:
    admin, body = Caller("admin"), {"values": {"databytes": "9"}}
    first = admin("put", f"{base}/controls", body, **{"idempotency-key": "k"})
    second = admin("put", f"{base}/controls", body, **{"idempotency-key": "k"})
    assert first.json() == second.json()
    run_all_jobs(node)
    assert node.kinds().count("mail_controls.apply") == 1


def test_sessions_explanations_and_what_if(node: MailNode, base: str) -> None:
    admin = Caller("admin")
    sessions = answered(admin, node, admin("post", f"{base}/sessions", {"sender": "eve"}))["sessions"]
    assert (sessions[0]["number"], sessions[0]["trace"]) == ("20260301-1", [])
    one = answered(admin, node, admin("post", f"{base}/sessions", {"number": "20260301-1"}))["sessions"]
    assert one[0]["trace"][1][2]["check"] == "badmailfrom"
    body = {
        "ip": "192.0.2.1",
        "helo": "h.test",
        "sender": "eve@junk.test",
        "recipients": ["info@anna.sun.test"],
    }
    stories = answered(admin, node, admin("post", f"{base}/explain", body))["stories"]
    assert [story["verb"] for story in stories] == ["CONNECT", "EHLO", "MAIL", "RCPT"]
    bad = admin("post", f"{base}/explain", body | {"ip": "house"})
    assert (bad.status_code, bad.json()["field"]) == (422, "ip")
    tried = answered(admin, node, admin("post", f"{base}/what-if", {"values": {"badmailfrom": "@junk.test"}}))
    assert tried["tried"] == 1


def test_a_customer_asks_about_own_mail_and_nothing_else(node: MailNode, base: str, house: House) -> None:
    open_customer(house, login="dora", domain=None)
    anna, dora = Caller("anna"), Caller("dora")
    found = answered(anna, node, anna("post", f"{base}/sessions", {}))["sessions"]
    assert [row["address"] for row in found[0]["recipients"]] == ["info@anna.sun.test"]
    assert dora("post", f"{base}/sessions", {}).status_code == 404
    asked = anna("post", f"{base}/sessions", {}).json()["id"]
    assert dora("get", f"/mail-questions/{asked}").status_code == 404
    assert Caller("admin")("get", f"/mail-questions/{asked}").status_code == 404
    body = {"ip": "192.0.2.1", "helo": "h", "recipients": ["info@anna.sun.test"]}
    for verb, path, sent in (
        ("get", "/mail-controls", None),
        ("get", f"{base}/controls", None),
        ("put", f"{base}/controls", {"values": {}}),
        ("post", f"{base}/controls/read", None),
        ("post", f"{base}/what-if", {"values": {}}),
        ("post", f"{base}/explain", body),
    ):
        assert anna(verb, path, sent).status_code == 403, path


def test_scopes_hold(node: MailNode, base: str) -> None:
    reader = Caller("admin", ["read"])
    assert reader("post", f"{base}/sessions", {}).status_code == 202
    assert reader("put", f"{base}/controls", {"values": {}}).json()["code"] == "scope"
    assert reader("post", f"{base}/what-if", {"values": {}}).json()["code"] == "scope"
    writer = Caller("admin", ["mail"])
    assert writer("post", f"{base}/sessions", {}).json()["code"] == "scope"
