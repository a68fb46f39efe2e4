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
            yield _answer(house, component, pid)


def _answer(house: House, component: Component, supervisor: int) -> Finding:
    """One that listens nowhere must at least have its process."""
    where = " ".join(house.address(name) for name in component.ports)
    if component.ready(house) and (where or _has_process(house, component, supervisor)):
        return Finding(AREA, component.name, "ok", where or component.what_for)
    log = house.places.log / f"{component.name}.log"
    what = f"does not answer on {where}" if where else f"has no process ({component.what_for})"
    return Finding(AREA, component.name, "fail", f"{what}{_last_line(log)}", f"tail -n 50 {log}")


def _has_process(house: House, component: Component, supervisor: int) -> bool:
    """A child of the supervisor was started with the component's words (proc_pid_cmdline(5))."""
    words = component.argv(house)[1:]
    try:
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        return any(_command_line(child)[1:] == words for child in children)
    except OSError:
        return False


def _command_line(pid: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except FileNotFoundError:  # it ended just now
        return []


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
