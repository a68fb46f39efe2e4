"""Checks of the running house: is it up, does every component answer, are its ports its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from heliosphere.cli.doctor.findings import Finding
from heliosphere.cli.house import lock, ports
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.components.registry import wanted_components

AREA = "services"


def running_pid(house: House) -> int | None:
    """The process of the running house; None when the directory is free (or there is none)."""
    path = house.places.run / "lock"
    if not path.exists():
        return None
    try:
        os.close(lock.peek(path))
    except lock.AlreadyRunning as other:
        return other.pid
    return None


def check_services(house: House) -> Iterator[Finding]:
    pid = running_pid(house)
    if pid is None:
        mend = f"./run --data {house.places.data} --base-port {house.base_port}"
        yield Finding(AREA, "house", "warn", "not running", mend)
    else:
        yield Finding(AREA, "house", "ok", f"process {pid}, base port {house.base_port}")
    for component in wanted_components(house):
        if component.once:
            continue
        missing = component.why_missing()
        if missing is not None:
            what, _, mend = missing.partition(": ")
            yield Finding(AREA, component.name, "warn", f"off: {what} ({component.what_for})", mend)
        elif pid is None:
            yield from _ports(house, component)
        else:
            yield _answer(house, component)


def _answer(house: House, component: Component) -> Finding:
    where = " ".join(house.address(name) for name in component.ports) or component.what_for
    if component.ready(house):
        return Finding(AREA, component.name, "ok", where)
    log = house.places.log / f"{component.name}.log"
    return Finding(
        AREA, component.name, "fail", f"does not answer on {where}{_last_line(log)}", f"tail -n 50 {log}"
    )


def _ports(house: House, component: Component) -> Iterator[Finding]:
    taken = ports.taken(house.base_port, component.ports)
    for name in taken:
        text = f"port {house.port(name)} ({ports.PORTS[name].what}) is used by another program"
        mend = f"ss -lntup 'sport = :{house.port(name)}' names it; or ./run --base-port N"
        yield Finding(AREA, component.name, "fail", text, mend)
    if component.ports and not taken:
        free = " ".join(str(house.port(name)) for name in component.ports)
        yield Finding(AREA, component.name, "ok", f"installed, ports free ({free})")


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f"; its log ends: {lines[-1][:120]}" if lines else ""
