"""heliosphere up: the whole house in the foreground, until Ctrl-C."""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from heliosphere.cli.house import lock, ports, ready, rights, setup
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.components.registry import wanted_components
from heliosphere.cli.house.packages import missing_packages
from heliosphere.cli.house.places import Places
from heliosphere.cli.house.records import Records
from heliosphere.cli.house.supervisor import StartFailed, StopAsked, Supervisor

LEAST_FREE = 64 * 1024 * 1024
"""Bytes of disk below which nothing is started: a queue that cannot write loses time, not mail."""


class CannotStart(Exception):
    """A person must change something first; the text says what."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="heliosphere up",
        description="Start everything on this machine; Ctrl-C stops it. ./run sets up, then calls this.",
    )
    made.add_argument(
        "--data", metavar="DIR", type=Path, default=Path("var"), help="data directory (default ./var)"
    )
    made.add_argument(
        "--base-port",
        metavar="N",
        type=int,
        default=ports.DEFAULT_BASE,
        help=f"added to every well-known port (default {ports.DEFAULT_BASE})",
    )
    content = made.add_mutually_exclusive_group()
    content.add_argument(
        "--demo", action="store_true", default=True, help="first content: plans to try (default)"
    )
    content.add_argument(
        "--empty", dest="demo", action="store_false", help="first content: an administrator only"
    )
    made.add_argument("--cluster", action="store_true", help="PostgreSQL, RabbitMQ and a separate agent")
    made.add_argument("--no-filters", action="store_true", help="without spamd and clamd")
    made.add_argument(
        "--service-zone",
        metavar="NAME",
        default="heliosphere.test",
        help="zone for third-level names (default heliosphere.test)",
    )
    return made


def main(argv: list[str]) -> int:
    """0 after an asked stop, 1 when the house could not start."""
    options = parser().parse_args(argv)
    say = _Progress()
    try:
        _run(options, say)
    except (CannotStart, StartFailed, rights.RightsError) as trouble:
        print(f"heliosphere: {trouble}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"heliosphere: {_disk_words(error)}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace, say: _Progress) -> None:
    data = Path(os.path.abspath(options.data))
    if reason := ports.why_not_base(options.base_port):
        raise CannotStart(reason)
    rights.drop_root(data, say)
    places = Places(data)
    places.make()
    _demand_space(data)
    house = House(
        places,
        base_port=options.base_port,
        cluster=options.cluster,
        with_filters=not options.no_filters,
        demo=options.demo,
        service_zone=options.service_zone,
    )
    held = _take_lock(places)
    try:
        _bring_up(house, say)
    finally:
        os.close(held)


def _bring_up(house: House, say: _Progress) -> None:
    house.places.ready.unlink(missing_ok=True)
    orphans = Records(house.places.run / "children.json").end_orphans()
    if orphans:
        say(f"ended {orphans} processes an earlier start left behind")
    running = _available(house, say)
    _demand_ports(house, running)
    setup.make_secrets(house)
    setup.write_configs(house, {component.name for component in running})
    for component in running:
        component.configure(house)
    started_at = datetime.now(UTC)  # noqa: TID251 (a program owns the clock)
    supervisor = Supervisor(house, running, say)
    supervisor.listen_for_signals()
    try:
        supervisor.start()
        document = ready.ready_document(house, running, started_at)
        ready.publish(house, document)
        say("ready")
        print(ready.summary(document), flush=True)
        supervisor.watch()
    except StopAsked:
        pass
    finally:
        say("stopping")
        house.places.ready.unlink(missing_ok=True)
        supervisor.stop()
        say("stopped")


def _take_lock(places: Places) -> int:
    try:
        return lock.take(places.run / "lock")
    except lock.AlreadyRunning as other:
        raise CannotStart(
            f"{places.data} is already in use by process {other.pid}. Stop it first (kill {other.pid}), "
            "or choose another directory and ports: --data DIR --base-port N"
        ) from None


def _available(house: House, say: _Progress) -> list[Component]:
    """What can be started; one line for each part that cannot."""
    running = []
    for component in wanted_components(house):
        missing = component.why_missing()
        if missing is None:
            running.append(component)
            if component.packages_for and (lacking := missing_packages(component.packages)):
                say(f"off: {component.packages_for}: apt-get install {' '.join(lacking)}")
        elif component.form == "cluster" and component.lacking_programs():
            raise CannotStart(f"the cluster form needs {component.name}: {missing}")
        else:
            say(f"off: {component.name} ({component.what_for}): {missing}")
    return running


def _demand_ports(house: House, running: list[Component]) -> None:
    taken = [
        f"port {house.port(name)} ({ports.PORTS[name].what}, wanted by {component.name})"
        for component in running
        for name in ports.taken(house.base_port, component.ports)
    ]
    if taken:
        other = ports.next_base(house.base_port, [name for part in running for name in part.ports])
        raise CannotStart(
            f"another program already uses {', '.join(taken)}. "
            f"Stop it, or start with --base-port {other or 'N'}"
        )


def _demand_space(data: Path) -> None:
    free = shutil.disk_usage(data).free
    if free < LEAST_FREE:
        raise CannotStart(f"the disk of {data} is full ({free // 1024 // 1024} MB left): make room there")


def _disk_words(error: OSError) -> str:
    place = error.filename or "the data directory"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full at {place}: make room there"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{place} cannot be written: give this user the right, or choose another with --data DIR"
    return f"{place}: {error.strerror or error}"


class _Progress:
    """Lines with the seconds since ./run (or this program) began."""

    def __init__(self) -> None:
        began = os.environ.pop("HELIOSPHERE_BEGAN", "")
        self._began = float(began) if began else time.time()

    def __call__(self, text: str) -> None:
        print(f"[{time.time() - self._began:6.1f} s] {text}", flush=True)
