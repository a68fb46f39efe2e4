"""What smtpd, send and pop3d share: arguments, an event loop, and when to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import Any

from heliosphere.contracts.controls import common, smtpd
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.logs.event_log import LineLog
from heliosphere.mta.adapters.network.shared_counters import FailureTable, SessionTable
from heliosphere.mta.adapters.network.tls_context import ServerCertificate
from heliosphere.mta.adapters.store.mailbox_directory import MailboxDirectory
from heliosphere.mta.adapters.store.maildir_files import MaildirMailboxes
from heliosphere.mta.adapters.store.spool_files import SpoolFiles
from heliosphere.mta.adapters.store.vpopmail_tree import VpopmailTree
from heliosphere.mta.rules.clients.tcp_rules import TcpRuleProblem
from heliosphere.mta.rules.errors import Refused

PATIENCE = 3.0
"""Seconds that sessions get to finish when a program is told to stop."""


def wall_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - programs own the time


@dataclass(frozen=True, slots=True)
class Sockets:
    """Listening sockets of one child; None where that service is not asked for."""

    smtp: socket | None = None
    submission: socket | None = None
    smtps: socket | None = None
    pop3: socket | None = None
    pop3s: socket | None = None

    def all(self) -> list[socket]:
        found = (self.smtp, self.submission, self.smtps, self.pop3, self.pop3s)
        return [one for one in found if one is not None]


@dataclass(slots=True)
class Parts:
    """The adapters over one root, as every program needs them."""

    root: Path
    workers: int = 1
    log: LineLog = field(default_factory=lambda: LineLog(sys.stderr.fileno(), wall_clock))

    def __post_init__(self) -> None:
        self.controls = ControlFiles(
            self.root / "qmail" / "control",
            lambda bad: self.log.event(
                "control.bad_value", control=bad.control, found=bad.found, used=bad.used
            ),
        )
        self.tree = VpopmailTree(self.root, wall_clock)
        self.directory = MailboxDirectory(self.tree, self.controls, wall_clock)
        snapshot = self.controls.snapshot()
        me = snapshot[common.ME]
        if snapshot.is_default(common.ME) or not me:
            raise Refused("no-me", f"{self.root}/qmail/control/me must hold the server's name")
        self.mailboxes = MaildirMailboxes(me, wall_clock)
        self.spool = SpoolFiles(self.root / "qmail" / "queue")
        self.sessions = SessionTable(self.workers)
        self.failures = FailureTable(time.time, lambda: self.controls.current()[smtpd.AUTHFAILLIMIT])
        self.certificate = ServerCertificate(
            self.root / "qmail" / "control" / "servercert.pem",
            lambda reason: self.log.event("tls.bad_certificate", reason=reason),
            lambda: self.controls.current()[common.TLSPROTOCOLS] or "",
        )

    controls: ControlFiles = field(init=False)
    tree: VpopmailTree = field(init=False)
    directory: MailboxDirectory = field(init=False)
    mailboxes: MaildirMailboxes = field(init=False)
    spool: SpoolFiles = field(init=False)
    certificate: ServerCertificate = field(init=False)
    sessions: SessionTable = field(init=False)
    failures: FailureTable = field(init=False)

    def log_rule_problem(self, problem: TcpRuleProblem) -> None:
        self.log.event("tcp_rules.problem", line=problem.line, reason=problem.reason, text=problem.text)


Main = Callable[[asyncio.Event, Callable[[], None]], Awaitable[None]]


def run_child(main: Main, log: LineLog, ready: int, life: int) -> int:
    """Run `main(stop, is_ready)` until it returns. Bugs in single sessions or tries go to the log.

    `stop` is set by SIGTERM, SIGINT, and when the pipe `life` ends: the supervisor is gone then.
    `is_ready` writes a byte to `ready`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    loop = _new_loop()
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda _, context: _log_bug(log, context))
    try:
        loop.run_until_complete(_guarded(main, ready, life))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    return 0


async def _guarded(main: Main, ready: int, life: int) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def supervisor_is_gone() -> None:
        loop.remove_reader(life)
        stop.set()

    loop.add_reader(life, supervisor_is_gone)
    await main(stop, lambda: _write_byte(ready))


def _log_bug(log: LineLog, context: dict[str, Any]) -> None:
    trouble = context.get("exception")
    where = trouble.__traceback__ if trouble is not None else None
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where is not None else ""
    reason = f"{type(trouble).__name__}: {trouble}" if trouble is not None else ""
    log.event("program.bug", message=context.get("message", ""), reason=reason, place=place)


def _write_byte(descriptor: int) -> None:
    os.write(descriptor, b"\0")


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
