"""Checks of the data directory: there, ours, secrets closed, configuration readable."""

from __future__ import annotations

import json
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliosphere.cli.doctor.findings import Finding
from heliosphere.cli.house.component import House
from heliosphere.cli.house.places import Places
from heliosphere.cli.house.ports import DEFAULT_BASE

AREA = "data"


@dataclass(frozen=True, slots=True)
class Found:
    """The house a data directory describes; `problem` when its configuration cannot be read."""

    house: House
    exists: bool
    problem: str = ""


def find_house(data: Path, base_port: int | None) -> Found:
    places = Places(data)
    if not places.panel_config.exists():
        return Found(House(places, base_port=base_port or DEFAULT_BASE), exists=False)
    try:
        document: dict[str, Any] = json.loads(places.panel_config.read_text())
        house = House(
            places,
            base_port=base_port or int(document["base_port"]),
            cluster=document["broker"] is not None,
            service_zone=document["service_zone"],
        )
    except (OSError, ValueError, KeyError) as error:
        return Found(
            House(places, base_port=base_port or DEFAULT_BASE), True, f"{type(error).__name__}: {error}"
        )
    return Found(house, exists=True)


def check_data(found: Found) -> Iterator[Finding]:
    places = found.house.places
    if not found.exists:
        yield Finding(
            AREA, "directory", "warn", f"{places.data} holds no house yet", f"./run --data {places.data}"
        )
        return
    yield _owner(places.data)
    if found.problem:
        mend = f"./run --data {places.data} writes it again"
        yield Finding(AREA, "configuration", "fail", f"{places.panel_config}: {found.problem}", mend)
    else:
        yield Finding(AREA, "configuration", "ok", str(places.panel_config))
    yield from _secrets(places)


def _owner(data: Path) -> Finding:
    owner = _name(data.stat().st_uid)
    text = f"{data} belongs to {owner}"
    if os.geteuid() in (0, data.stat().st_uid):
        return Finding(AREA, "directory", "ok", text)
    me = _name(os.geteuid())
    return Finding(AREA, "directory", "warn", f"{text}, you are {me}", f"run this as {owner} or as root")


def _secrets(places: Places) -> Iterator[Finding]:
    try:
        files = sorted(places.secrets.iterdir())
    except OSError as error:
        yield Finding(
            AREA, "secrets", "warn", f"{places.secrets}: {error.strerror}", "run this as their owner"
        )
        return
    open_ones = [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in open_ones:
        yield Finding(AREA, path.name, "fail", "a secret others can read", f"chmod 600 {path}")
    if not open_ones:
        yield Finding(AREA, "secrets", "ok", f"{len(files)} files, closed to others")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
