"""ready.json: what the house answers on, for people and programs, once all of it answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
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
    first = _first_content(house)
    panel = f"http://{house.address('panel')}/" if "panel" in names else None
    return {
        "version": __version__,
        "started_at": started_at.isoformat(timespec="seconds"),
        "form": "cluster" if house.cluster else "embedded",
        "panel": panel,
        "api": f"{panel}api/" if panel else None,
        "addresses": {name: house.address(name) for name in names},
        "content": first.get("content", ""),
        "demo_logins": first.get("logins", []),
        "data": str(house.places.data),
    }


def publish(house: House, document: dict[str, Any]) -> None:
    """Only the owner may read it: it holds the demo's passwords."""
    write(house.places.ready, json.dumps(document, indent=1) + "\n", mode=0o600)


def _first_content(house: House) -> dict[str, Any]:
    """What loading the first content noted: `logins`, and `content`: "demo" or "empty"."""
    try:
        document = json.loads(logins_file(house).read_text())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {"logins": document}


def summary(document: dict[str, Any]) -> str:
    """The same for people."""
    lines = ["", f"Heliosphere {document['version']} is up.", ""]
    if document["panel"]:
        lines.append(f"  {'control panel':<26} {document['panel']}")
    for name, address in document["addresses"].items():
        if name != "panel":
            lines.append(f"  {PORTS[name].what:<26} {address}")
    lines += ["", *map(_login_line, document["demo_logins"])]
    if document["panel"]:
        lines += _first_steps(document)
    here = f"{Path(sys.executable).with_name('heliosphere')} doctor --data {document['data']}"
    lines += [
        "",
        f"  {'data, logs, ready.json':<26} {document['data']}",
        f"  {'is anything wrong?':<26} {here}",
        "",
        "Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)


def _login_line(row: dict[str, str]) -> str:
    """Passwords are those of the first start: who changed theirs since knows."""
    return f"Sign in as {row['login']} ({row['role']}), first password {row['password']}"


def _first_steps(document: dict[str, Any]) -> list[str]:
    if document["content"] != "demo":
        return ["The first page after signing in lists what a new provider does, step by step."]
    return [
        "To try first: open the control panel in a private window and sign up for a plan as a visitor would;",
        "then, signed in as above, let the visitor in under Signup > Moderation and watch it come alive.",
        "README.md leads on from there to a mail that is sent, delivered and read.",
    ]
