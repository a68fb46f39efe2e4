"""serve: the whole mail engine on one tree. Binds the ports, starts the programs, restarts what dies."""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from heliosphere.mta.adapters.files.pid_file import PidFile, pid_path
from heliosphere.mta.programs import pop3d, send, smtpd
from heliosphere.mta.programs.child import Main, Parts, Sockets, run_child
from heliosphere.mta.rules.errors import Refused, TryLater
from heliosphere.mta.rules.store.routing import Route, parse_host_port

BACKLOG = 128
KILL_AFTER = 6.0
"""Seconds a child has to end after SIGTERM."""
FIRST_PAUSE, LONGEST_PAUSE, HEALTHY_AFTER = 0.2, 30.0, 60.0
"""Seconds: pause before the first restart, the longest one, and a run that counts as healthy."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    root: Path
    ports: dict[str, Route]
    resolver: Route | None
    workers: int
    send: bool


@dataclass(slots=True)
class Child:
    """One program in a process of its own."""

    name: str
    body: Main
    pid: int = 0
    started: float = 0.0
    pause: float = FIRST_PAUSE
    restart_at: float = 0.0
    is_wanted_anew: bool = False


@dataclass(slots=True)
class Supervisor:
    parts: Parts
    children: list[Child]
    _ready: tuple[int, int] = field(default_factory=os.pipe)
    _life: tuple[int, int] = field(default_factory=os.pipe)
    _signals: tuple[int, int] = field(default_factory=os.pipe)
    _stopping: bool = False
    _starting_anew: bool = False

    def run(self) -> int:
        for descriptor in (*self._signals,):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._signals[1])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._start_anew)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for child in self.children:
            self._start(child)
        waiting, said_ready = len(self.children), False
        while not self._stopping:
            readable, _, _ = select.select([self._signals[0], self._ready[0]], [], [], self._nap())
            if self._signals[0] in readable:
                os.read(self._signals[0], 4096)
            if self._ready[0] in readable:
                waiting -= len(os.read(self._ready[0], 4096))
            if self._starting_anew:
                self._end_for_anew()
            self._reap()
            self._restart_due()
            if waiting <= 0 and not said_ready:
                print("ready", flush=True)
                said_ready = True
        return self._end()

    def _start(self, child: Child) -> None:
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os._exit(self._be(child))
        child.pid, child.started, child.restart_at = pid, time.monotonic(), 0.0
        self.parts.log.event("program.started", program=child.name, pid=pid)

    def _be(self, child: Child) -> int:
        """The forked child: nothing of the supervisor but its pipes is used."""
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.close(self._life[1])
            return run_child(child.body, self.parts.log, self._ready[1], self._life[0])
        except BaseException as trouble:
            self.parts.log.event(
                "program.crashed", program=child.name, pid=os.getpid(),
                reason=f"{type(trouble).__name__}: {trouble}",
            )  # fmt: skip
            return 1

    def _reap(self) -> None:
        for child in self.children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid == 0:
                continue
            child.pid = 0
            if not self._stopping:
                self._plan_restart(child, status)

    def _start_anew(self, number: int, frame: object) -> None:
        self._starting_anew = True

    def _end_for_anew(self) -> None:
        """SIGHUP: each program ends what it is at and is started again. Ports stay open all the while."""
        self._starting_anew = False
        self.parts.log.event("program.restarting", program="serve")
        for child in self.children:
            child.is_wanted_anew = bool(child.pid)
            _signal(child.pid, signal.SIGTERM)

    def _plan_restart(self, child: Child, status: int) -> None:
        now = time.monotonic()
        if child.is_wanted_anew:
            child.is_wanted_anew, child.restart_at = False, now
            return
        if now - child.started > HEALTHY_AFTER:
            child.pause = FIRST_PAUSE
        child.restart_at = now + child.pause
        self.parts.log.event(
            "program.ended", program=child.name, exit=os.waitstatus_to_exitcode(status),
            again_in=round(child.pause, 1),
        )  # fmt: skip
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _restart_due(self) -> None:
        for child in self.children:
            if not child.pid and child.restart_at and child.restart_at <= time.monotonic():
                self._start(child)

    def _nap(self) -> float | None:
        """Nothing wakes an idle supervisor but signals and pipes."""
        due = [child.restart_at for child in self.children if not child.pid and child.restart_at]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True

    def _end(self) -> int:
        self.parts.log.event("program.stopping", program="serve")
        for child in self.children:
            _signal(child.pid, signal.SIGTERM)
        end = time.monotonic() + KILL_AFTER
        while any(child.pid for child in self.children) and time.monotonic() < end:
            select.select([self._signals[0]], [], [], 0.1)
            self._reap()
        for child in self.children:
            if child.pid:
                _signal(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)
        return 0


def main(argv: list[str]) -> int:
    """Exit 0 after a clean stop, 1 with one line on stderr when it cannot start."""
    wanted = _parse(argv)
    try:
        # Only smtpd has several workers; a second POP3 socket would take clients nobody serves.
        shared = {name: route for name, route in wanted.ports.items() if not name.startswith("pop3")}
        sockets = [bind_all(wanted.ports), *(bind_all(shared) for _ in range(wanted.workers - 1))]
        parts = Parts(wanted.root, wanted.workers)
        parts.spool.ensure()
        held = PidFile(pid_path(wanted.root))
        held.hold()
    except (Refused, TryLater, OSError) as trouble:
        print(f"mail engine cannot start: {trouble}", file=sys.stderr)
        return 1
    try:
        return Supervisor(parts, _children(wanted, parts, sockets)).run()
    finally:
        held.release()


def _children(wanted: Wanted, parts: Parts, sockets: list[Sockets]) -> list[Child]:
    children: list[Child] = []
    resolver = (wanted.resolver.host, wanted.resolver.port) if wanted.resolver else None
    if {"smtp", "submission", "smtps"} & wanted.ports.keys():
        for number, one in enumerate(sockets):
            children.append(Child(f"smtpd.{number + 1}", partial(smtpd.run, parts, one, number, resolver)))
    if {"pop3", "pop3s"} & wanted.ports.keys():
        children.append(Child("pop3d", partial(pop3d.run, parts, sockets[0])))
    if wanted.send:
        children.append(Child("send", partial(send.run, parts, resolver)))
    return children


def bind_all(ports: dict[str, Route]) -> Sockets:
    """Listening sockets for one worker. Raises Refused naming the port that is taken."""
    return Sockets(**{name: _bind(name, route) for name, route in ports.items()})


_bound: set[Route] = set()


def _bind(name: str, route: Route) -> socket.socket:
    family = socket.AF_INET6 if ":" in route.host else socket.AF_INET
    if route not in _bound:
        _refuse_taken(name, route, family)
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        sock.bind((route.host, route.port))
        sock.listen(BACKLOG)
    except OSError as error:
        raise _cannot_listen(name, route, error) from error
    _bound.add(route)
    return sock


def _refuse_taken(name: str, route: Route, family: int) -> None:
    """SO_REUSEPORT would let a second engine of the same user share the port unseen."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((route.host, route.port))
        except OSError as error:
            raise _cannot_listen(name, route, error) from error


def _cannot_listen(name: str, route: Route, error: OSError) -> Refused:
    return Refused("port", f"cannot listen for {name} on {route.host}:{route.port}: {error.strerror}")


def _signal(pid: int, number: int) -> None:
    if pid:
        os.kill(pid, number)


def _parse(argv: list[str]) -> Wanted:
    parser = argparse.ArgumentParser(prog="heliosphere mail serve", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="directory that holds qmail/ and vpopmail/")
    for name in ("smtp", "submission", "smtps", "pop3", "pop3s"):
        parser.add_argument(f"--{name}", type=_host_port, metavar="HOST:PORT")
    parser.add_argument("--resolver", type=_host_port, metavar="HOST:PORT", help="DNS server to ask")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="smtpd processes")
    parser.add_argument("--send", action=argparse.BooleanOptionalAction, default=True)
    found = parser.parse_args(argv)
    ports = {
        name: route
        for name in ("smtp", "submission", "smtps", "pop3", "pop3s")
        if (route := getattr(found, name)) is not None
    }
    if found.workers < 1:
        parser.error("--workers: at least one is needed")
    if not ports and not found.send:
        parser.error("nothing to do: name a port, or leave --send on")
    return Wanted(found.root, ports, found.resolver, found.workers, found.send)


def _host_port(text: str) -> Route:
    route = parse_host_port(text, 0)
    if route is None or not route.port:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return route


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
