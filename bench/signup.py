"""One signup through the API, from the first request until zone, site and a mailbox answer."""

from __future__ import annotations

import json
import poplib
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import dns.message
import dns.query

from heliosphere.cli.house.ask_panel import ask_panel
from heliosphere.cli.house.component import House

PASSWORD = "letters for breakfast"
CONTACT = {
    "first_name": "Ada",
    "last_name": "Stone",
    "address": "Harbour Street 7",
    "city": "Hamburg",
    "postal_code": "20457",
    "country": "DE",
    "email": "ada@mail.test",
}
PATIENCE = 60.0


class Caller:
    """The API of a house, with a token of its administrator."""

    def __init__(self, house: House) -> None:
        scopes = "read,signups,mail"
        self.house = house
        self._token = ask_panel(house, "issue_token", "--login", "admin", "--scopes", scopes).strip()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://{self.house.address('panel')}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def measure(caller: Caller, login: str) -> float:
    """Seconds from the signup's request until all is live: zone, site, mailbox over POP3."""
    plan = next(row for row in caller.call("GET", "/plans")["items"] if row["name"] == "Starter")
    domain = f"{login}.{caller.house.service_zone}"
    began = time.monotonic()
    made = caller.call(
        "POST",
        "/signups",
        {
            "plan_id": plan["id"],
            "period_id": plan["periods"][0]["id"],
            "domain_kind": "third_level",
            "domain": login,
            "contact": CONTACT,
            "login": login,
            "password": PASSWORD,
        },
    )
    caller.call("POST", f"/signups/{made['id']}/approve", {"check_number": f"bench {login}"})
    mail_domain = caller.call("GET", f"/mail-domains?q={domain}")["items"][0]
    box = {"mail_domain_id": mail_domain["id"], "local": "info", "password": PASSWORD, "quota_mb": 10}
    key = caller.call("POST", "/mailboxes", box)["id"]
    # A login that comes too early is refused and the next one made to wait: ask the panel first.
    _until(lambda: caller.call("GET", f"/mailboxes/{key}")["reality"] == "live", f"info@{domain}")
    for live in (_zone_answers, _site_answers, _mailbox_opens):
        _until(lambda live=live: live(caller.house, domain), f"{live.__name__} {domain}")
    return time.monotonic() - began


def _zone_answers(house: House, domain: str) -> bool:
    query = dns.message.make_query(domain, "MX")
    return bool(dns.query.udp(query, "127.0.0.1", port=house.port("dns"), timeout=5).answer)


def _site_answers(house: House, domain: str) -> bool:
    request = urllib.request.Request(f"http://{house.address('web')}/", headers={"Host": domain})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _mailbox_opens(house: House, domain: str) -> bool:
    client = poplib.POP3("127.0.0.1", house.port("pop3"), timeout=5)
    try:
        client.user(f"info@{domain}")
        client.pass_(PASSWORD)
        return True
    except poplib.error_proto:
        return False
    finally:
        client.close()


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"not live after {PATIENCE:.0f} s: {what}")
        time.sleep(0.05)
