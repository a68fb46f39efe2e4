"""ready.json: what the house answers on, for people and programs, once all of it answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from heliosphere import __version__
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.places import write
from heliosphere.cli.house.ports import PORTS
from heliosphere.cli.house.stamps import logins_file

INSIDE = frozenset({"dns_api", "epmd", "rabbit_distribution"})
"""Listeners only the house itself talks to."""


def ready_document(house: House, running: Iterable[Component], started_at: datetime) -> dict[str, Any]:
    names = [name for component in running for name in component.ports if name not in INSIDE]
    panel = f"http://{house.address('panel')}/" if "panel" in names else None
    return {
        "version": __version__,
        "started_at": started_at.isoformat(timespec="seconds"),
        "form": "cluster" if house.cluster else "embedded",
        "panel": panel,
        "api": f"{panel}api/" if panel else None,
        "addresses": {name: house.address(name) for name in names},
        "demo_logins": _logins(house),
        "data": str(house.places.data),
    }


def publish(house: House, document: dict[str, Any]) -> None:
    """Only the owner may read it: it holds the demo's passwords."""
    write(house.places.ready, json.dumps(document, indent=1) + "\n", mode=0o600)


def _logins(house: House) -> list[Any]:
    """What loading the first content printed: a list, or an object with the list in `logins`."""
    try:
        document = json.loads(logins_file(house).read_text())
    except (OSError, ValueError):
        return []
    rows = document.get("logins", []) if isinstance(document, dict) else document
    return rows if isinstance(rows, list) else [rows]


def summary(document: dict[str, Any]) -> str:
    """The same for people."""
    lines = ["", "Heliosphere is up.", ""]
    if document["panel"]:
        lines.append(f"  {'control panel':<26} {document['panel']}")
    for name, address in document["addresses"].items():
        if name != "panel":
            lines.append(f"  {PORTS[name].what:<26} {address}")
    if document["demo_logins"]:
        lines += ["", "Logins:"]
        lines += [f"  {_login_line(row)}" for row in document["demo_logins"]]
    lines += ["", f"Data and logs: {document['data']}", "Ctrl-C stops everything.", ""]
    return "\n".join(lines)


def _login_line(row: Any) -> str:
    if not isinstance(row, dict):
        return str(row)
    return "  ".join(f"{key} {value}" for key, value in row.items())
