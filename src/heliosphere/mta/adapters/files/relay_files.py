"""tcp.smtp, open-smtp and the tcp.smtp.cdb made of both, below `vpopmail/etc`."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import cdblib

from heliosphere.mta.adapters.files.atomic_files import file_stamp, read_or_none, write_atomic
from heliosphere.mta.adapters.files.cdb_files import Cdb, cdb_bytes
from heliosphere.mta.adapters.files.locks import locked
from heliosphere.mta.rules.clients.open_smtp import (
    OPEN_DATA,
    OpenAddress,
    after_login,
    is_expired,
    merged,
    opens_nothing,
    parse_open_smtp,
    render,
    times_by_ip,
    without_expired,
)
from heliosphere.mta.rules.clients.tcp_rules import (
    TcpRule,
    TcpRuleProblem,
    errors_in,
    find_rule,
    parse_rules,
    plain_ip,
    rule_from_data,
    rule_records,
)
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.services.ports import Clock

NOTES = "open-smtp.new"
"""Directory in which Dovecot notes sign-ins: an empty file named by the address."""
TEXT, OPEN, COMPILED, LOCK = "tcp.smtp", "open-smtp", "tcp.smtp.cdb", "open-smtp.lock"
DEFAULT_MINUTES = 180


@dataclass(frozen=True, slots=True)
class FoundRule:
    """`rule` None: nothing is said about this client. `source` is the file that says it, with its line
    where that is known. A rule of open-smtp makes a client dynamic, any other with RELAYCLIENT static."""

    rule: TcpRule | None = None
    source: str = ""
    line: int | None = None

    @property
    def is_allowed(self) -> bool:
        return self.rule is None or self.rule.is_allowed

    @property
    def environment(self) -> Mapping[str, str]:
        return self.rule.environment if self.rule is not None else {}

    @property
    def is_dynamic(self) -> bool:
        return self.source == OPEN


@dataclass(frozen=True, slots=True)
class _Table:
    """What is in force: the compiled rules, the lines they were written in, and sign-ins by address."""

    get: Callable[[bytes], bytes | None] = lambda key: None
    lines: Mapping[str, int] = field(default_factory=dict)
    signed_in: Mapping[str, int] = field(default_factory=dict)
    has_text: bool = False
    has_hosts: bool = False


class RelayFiles:
    """Rules for clients, made again when somebody edits them or reads mail.

    A file with an error in it keeps the rules that were in force before; `on_problem` hears of it once
    per change. Blocks while it writes, so sign-ins belong off the event loop.
    """

    def __init__(
        self, root: Path, clock: Clock, on_problem: Callable[[TcpRuleProblem], None] = lambda problem: None
    ) -> None:
        self.directory = root / "vpopmail" / "etc"
        self._clock, self._on_problem = clock, on_problem
        self._stamps: object = None
        self._seen_text: object = None
        self._seen_notes: object = None
        self._table = _Table()

    # Who may connect

    def tcp_rule_for(
        self, ip: str, host: str = "", info: str = "", *, minutes: int = DEFAULT_MINUTES
    ) -> FoundRule:
        """The rule for a client now; files are read again only when they changed.

        `minutes`: lifetime of what a sign-in opened; an older entry counts for nothing even while it
        waits for the next cleaning. Raises TryLater when the compiled rules are damaged beyond repair.
        """
        table = self._current()
        ip = plain_ip(ip)
        since = table.signed_in.get(ip)
        is_open = since is not None and not is_expired(since, self._now(), minutes)

        def get(key: bytes) -> bytes | None:
            data = table.get(key)
            if key != ip.encode() or ip in table.lines or data not in (None, OPEN_DATA):
                return data
            if is_open:
                return OPEN_DATA
            # A sign-in that is over may still be compiled in; without tcp.smtp the cdb is believed.
            return data if since is None and not table.has_text else None

        rule = find_rule(get, ip, host, info)
        if rule is None:
            return FoundRule()
        if rule.key == ip and is_open and ip not in table.lines and rule.environment.get("RELAYCLIENT") == "":
            return FoundRule(rule, OPEN)
        return FoundRule(rule, TEXT, table.lines.get(rule.key))

    def has_host_rules(self) -> bool:
        """Does any line speak of a host name? Only then is it worth asking for the client's."""
        return self._current().has_hosts

    def rule_for_key(self, key: str) -> TcpRule | None:
        """The compiled rule under exactly this key."""
        data = self._current().get(key.encode("utf-8", "surrogateescape"))
        return rule_from_data(key, data) if data is not None else None

    # POP before SMTP

    def remember_login(self, ip: str) -> bool:
        """Let `ip` send for a while; True when it could not before. Loopback is never written.

        Call it after a good POP3 or IMAP sign-in, with popbeforesmtp on and a user who may relay.
        """
        if opens_nothing(ip):
            return False
        with self._lock():
            after = after_login(self._open_addresses(), ip, self._now())
            if not after.is_same:
                self._write(OPEN, render(after.addresses).encode())
            if after.is_new:
                self._compile()
            return after.is_new

    def clear_expired(self, now: int, minutes: int) -> int:
        """Drop what is over, and lines that say nothing; compile anew. How many lines were dropped."""
        with self._lock():
            text = self._read(OPEN)
            lines = [line for line in text.split("\n") if line.strip()]
            kept = without_expired(parse_open_smtp(text), now, minutes)
            if len(kept) != len(lines):
                self._write(OPEN, render(kept).encode())
            self._compile()
            return len(lines) - len(kept)

    # Compiling

    def compile(self) -> tuple[TcpRuleProblem, ...]:
        """Make tcp.smtp.cdb from tcp.smtp and open-smtp. With an error among the problems the old one stays.

        No tcp.smtp at all means no rules, unless the cdb there has rules that came from elsewhere.
        """
        with self._lock():
            return self._compile()

    def _compile(self) -> tuple[TcpRuleProblem, ...]:
        stamp = file_stamp(self.directory / TEXT)
        if stamp is None and self._has_foreign_rules():
            reason = "missing, while tcp.smtp.cdb has rules that are not of open-smtp: they are left alone"
            return (TcpRuleProblem(0, TEXT, reason, is_warning=True),)
        text = self._read(TEXT)
        _, problems = parse_rules(text)
        if stamp != self._seen_text:
            self._seen_text = stamp
            for one in problems:
                self._on_problem(one)
        if not errors_in(problems):
            rules, _ = parse_rules(merged(text, self._open_addresses()))
            self._write(COMPILED, cdb_bytes(rule_records(rules)))
        return problems

    def _has_foreign_rules(self) -> bool:
        data = read_or_none(self.directory / COMPILED)
        if data is None:
            return False
        Cdb(data, COMPILED)  # refuses a damaged one
        return any(value != OPEN_DATA for _, value in cdblib.Reader(data).items())

    # Reading

    def take_notes(self) -> int:
        """IMAP sign-ins that Dovecot noted, a file named by the address each, become lines of open-smtp."""
        notes = self.directory / NOTES
        taken = 0
        try:
            names = os.listdir(notes)
        except FileNotFoundError:
            return 0
        for name in names:
            with contextlib.suppress(ValueError):
                taken += self.remember_login(str(ipaddress.ip_address(name)))
            (notes / name).unlink(missing_ok=True)
        return taken

    def _current(self) -> _Table:
        notes = file_stamp(self.directory / NOTES)
        if notes != self._seen_notes:
            self.take_notes()
            self._seen_notes = file_stamp(self.directory / NOTES)
        if self._stamps is None or self._look() != self._stamps:
            self._make_current()
            self._table = self._load()
            self._stamps = self._look()
        return self._table

    def _look(self) -> tuple[object, ...]:
        return tuple(file_stamp(self.directory / name) for name in (TEXT, OPEN, COMPILED))

    def _make_current(self) -> None:
        """Compile when the text is newer than the cdb, or there is none. Trouble changes nothing."""
        text, compiled = file_stamp(self.directory / TEXT), file_stamp(self.directory / COMPILED)
        is_edited = text is not None and text != self._seen_text
        if compiled is not None and not (text is not None and is_edited and text[0] >= compiled[0]):
            return
        if compiled is None and text is not None and not is_edited:
            return  # the text was found bad before
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.compile()
        except OSError as trouble:
            self._on_problem(TcpRuleProblem(0, COMPILED, f"cannot be written: {trouble.strerror}"))

    def _load(self) -> _Table:
        rules, _ = parse_rules(self._read(TEXT))
        lines: dict[str, int] = {}
        for rule in rules:
            for key in rule.keys:
                lines.setdefault(key, rule.line)
        data = read_or_none(self.directory / COMPILED)
        get = self._cdb(data).get if data is not None else lambda key: None
        has_text = file_stamp(self.directory / TEXT) is not None
        has_hosts = any(key.startswith("=") for key in lines)
        return _Table(get, lines, times_by_ip(self._open_addresses()), has_text, has_hosts)

    def _cdb(self, data: bytes) -> Cdb:
        try:
            return Cdb(data, COMPILED)
        except TryLater:
            if file_stamp(self.directory / TEXT) is None or errors_in(self.compile()):
                raise
            return Cdb((self.directory / COMPILED).read_bytes(), COMPILED)

    # Files

    def _open_addresses(self) -> tuple[OpenAddress, ...]:
        return parse_open_smtp(self._read(OPEN))

    def _read(self, name: str) -> str:
        return (read_or_none(self.directory / name) or b"").decode("utf-8", "surrogateescape")

    def _write(self, name: str, data: bytes) -> None:
        path = self.directory / name
        write_atomic(path, data, None if path.exists() else 0o644)

    def _lock(self) -> AbstractContextManager[None]:
        return locked(self.directory / LOCK)

    def _now(self) -> int:
        return int(self._clock().timestamp())
