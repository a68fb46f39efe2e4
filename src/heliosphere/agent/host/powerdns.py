"""PowerDNS through its HTTP API: only zones and record sets, nothing of the server's own settings."""

from __future__ import annotations

from typing import Any

import httpx

from heliosphere.agent.rules.errors import Refused, TryLater
from heliosphere.agent.rules.zone_steps import FoundZone, RRChange, RRSet, absolute, one_spelling

OWNER = "heliosphere"
"""The account our zones carry; zones of another account are not ours to change."""


class PowerDNS:
    """Raises Refused for what a person must change (key, a rejected value), TryLater for the world."""

    def __init__(self, api_url: str, api_key: str) -> None:
        self._http = httpx.Client(
            base_url=f"{api_url.rstrip('/')}/api/v1/servers/localhost",
            headers={"X-API-Key": api_key},
            timeout=10,
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def find(self, name: str) -> FoundZone | None:
        answer = self._ask("GET", f"/zones/{absolute(name)}")
        return None if answer is None else _found(answer)

    def create(self, name: str, record_sets: tuple[RRSet, ...]) -> None:
        """Make the zone whole in one transaction of the server. SOA-EDIT-API makes the serial grow."""
        self._ask(
            "POST",
            "/zones",
            {
                "name": absolute(name),
                "kind": "Master",
                "account": OWNER,
                "soa_edit_api": "DEFAULT",
                "api_rectify": True,
                "nameservers": [],
                "rrsets": [_rrset(item, "REPLACE") for item in record_sets],
            },
        )

    def change(self, name: str, changes: tuple[RRChange, ...]) -> None:
        """All changes in one transaction of the server."""
        body = [
            {"name": change.name, "type": change.type, "changetype": "DELETE"}
            if change.wanted is None
            else _rrset(change.wanted, "REPLACE")
            for change in changes
        ]
        self._ask("PATCH", f"/zones/{absolute(name)}", {"rrsets": body})

    def remove(self, name: str) -> None:
        self._ask("DELETE", f"/zones/{absolute(name)}")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; None for "no such zone" and for answers without a body."""
        try:
            response = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise TryLater(
                "dns_server_down",
                f"The name server's API does not answer ({type(error).__name__}).",
                "Start PowerDNS, or look why it stopped: heliosphere doctor.",
            ) from error
        if response.status_code == 404:
            return None
        if response.status_code >= 400:
            raise _trouble(response)
        return response.json() if response.content else None


def _trouble(response: httpx.Response) -> Exception:
    if response.status_code in (401, 403):
        return Refused(
            "dns_key_wrong", "The name server refuses our API key.", "Put the key of pdns.conf in place."
        )
    if response.status_code >= 500:
        return TryLater("dns_server_error", f"The name server answered {response.status_code}.")
    try:
        detail = str(response.json().get("error", response.text))
    except ValueError:
        detail = response.text
    return Refused("dns_rejected", f"The name server refuses it: {detail[:300]}", "Correct the record.")


def _rrset(item: RRSet, change: str) -> dict[str, Any]:
    records = [{"content": value, "disabled": False} for value in item.values]
    return {"name": item.name, "type": item.type, "ttl": item.ttl, "changetype": change, "records": records}


def _found(answer: dict[str, Any]) -> FoundZone:
    sets = [
        RRSet(
            item["name"].lower(),
            item["type"],
            item["ttl"],
            tuple(sorted(one_spelling(item["type"], record["content"]) for record in item["records"])),
        )
        for item in answer["rrsets"]
    ]
    return FoundZone(answer.get("account", ""), _stored_serial(sets), tuple(sets))


def _stored_serial(sets: list[RRSet]) -> int:
    soa = next((item for item in sets if item.type == "SOA"), None)
    return int(soa.values[0].split()[2]) if soa else 0
