"""The greylist in one SQLite file that all SMTP processes of a machine share."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from heliosphere.mta.adapters.files.locks import locked
from heliosphere.mta.rules.clients.greylisting import (
    ClientRecord,
    GreylistDecision,
    GreylistReason,
    GreylistSettings,
    Triplet,
    TripletRecord,
    judge_greylisting,
    make_triplet,
)
from heliosphere.mta.services.ports import EventLog

BUSY_LIMIT = 0.25
"""Seconds to wait for another process that writes; then the mail is taken."""
MAX_TRIPLETS = 500_000
"""About 80 MB. The oldest that never came again go first."""
PRUNE_EVERY = 1_000
"""New triplets of one process between two cleanings."""
CHUNK = 5_000
"""Rows deleted in one go, so that no cleaning holds the lock for long."""
MAX_ADDRESS = 255
"""A longer address is kept as its hash."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS triplet (
    network TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, has_passed INTEGER NOT NULL,
    PRIMARY KEY (network, sender, recipient));
CREATE INDEX IF NOT EXISTS triplet_age ON triplet (has_passed, last);
CREATE TABLE IF NOT EXISTS client (
    network TEXT PRIMARY KEY, good INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID;
"""
_FORGET = """DELETE FROM triplet WHERE rowid IN (SELECT rowid FROM triplet
    WHERE has_passed = 0 AND last < ? OR has_passed = 1 AND last < ? LIMIT ?)"""
_FORGET_OLDEST = """DELETE FROM triplet WHERE rowid IN
    (SELECT rowid FROM triplet ORDER BY has_passed, last LIMIT ?)"""


class GreylistStore:
    """Decides and remembers. Blocks for at most BUSY_LIMIT or so: call it in a thread.

    When the file is busy, broken or cannot be written, the answer is to take the mail, and an event:
    greylisting must never be the reason that a mail is lost.
    """

    def __init__(
        self, path: Path, log: EventLog, *, max_triplets: int = MAX_TRIPLETS, busy_limit: float = BUSY_LIMIT
    ) -> None:
        self._path, self._log = path, log
        self._max_triplets, self._busy_limit = max_triplets, busy_limit
        self._local = threading.local()
        self._new = 0

    def judge(
        self, ip: str, sender: str, recipient: str, now: int, settings: GreylistSettings
    ) -> GreylistDecision:
        triplet = make_triplet(ip, sender, recipient)
        try:
            decision = self._judge(self._connection(), triplet, now, settings)
        except (sqlite3.Error, OSError) as trouble:
            self.close()
            self._log.event("greylist.unavailable", reason=str(trouble))
            return GreylistDecision(True, GreylistReason.UNAVAILABLE)
        if decision.reason is GreylistReason.NEW:
            self._count_new(now, settings)
        return decision

    def peek(
        self, ip: str, sender: str, recipient: str, now: int, settings: GreylistSettings
    ) -> GreylistDecision:
        """The same decision, remembering nothing: for explanations."""
        try:
            return self._decide(self._connection(), make_triplet(ip, sender, recipient), now, settings)
        except (sqlite3.Error, OSError):
            return GreylistDecision(True, GreylistReason.UNAVAILABLE)

    def prune(self, now: int, settings: GreylistSettings) -> int:
        """Forget what is over, then the oldest beyond the limit; how many triplets went."""
        connection = self._connection()
        gone = self._delete(connection, _FORGET, (now - settings.window, now - settings.lifetime, CHUNK))
        with _transaction(connection):
            connection.execute("DELETE FROM client WHERE last < ?", (now - settings.lifetime,))
        gone += self._trim(connection)
        return gone

    def size(self) -> int:
        """Triplets remembered."""
        (count,) = self._connection().execute("SELECT COUNT(*) FROM triplet").fetchone()
        return int(count)

    def close(self) -> None:
        """Close this thread's connection; the next use opens another."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            self._local.connection = None
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    # Inside

    def _judge(
        self, connection: sqlite3.Connection, triplet: Triplet, now: int, settings: GreylistSettings
    ) -> GreylistDecision:
        """Most decisions change nothing, and reading needs no lock; only a change is decided again in one."""
        decision = self._decide(connection, triplet, now, settings)
        if decision.triplet is None and decision.client is None:
            return decision
        with _transaction(connection):
            decision = self._decide(connection, triplet, now, settings)
            _write(connection, triplet, decision)
        return decision

    def _decide(
        self, connection: sqlite3.Connection, triplet: Triplet, now: int, settings: GreylistSettings
    ) -> GreylistDecision:
        known = connection.execute(
            "SELECT first, last, has_passed FROM triplet WHERE network = ? AND sender = ? AND recipient = ?",
            _key(triplet),
        ).fetchone()
        client = connection.execute(
            "SELECT good, last FROM client WHERE network = ?", (triplet.network,)
        ).fetchone()
        return judge_greylisting(
            TripletRecord(known[0], known[1], bool(known[2])) if known else None,
            ClientRecord(*client) if client else None,
            now,
            settings,
        )

    def _count_new(self, now: int, settings: GreylistSettings) -> None:
        self._new += 1
        if self._new % PRUNE_EVERY == 0:
            try:
                self._log.event("greylist.pruned", gone=self.prune(now, settings))
            except (sqlite3.Error, OSError) as trouble:
                self._log.event("greylist.not_pruned", reason=str(trouble))

    def _trim(self, connection: sqlite3.Connection) -> int:
        excess = self.size() - self._max_triplets
        gone = 0
        while excess > gone:
            count = min(CHUNK, excess - gone)
            with _transaction(connection):
                gone += connection.execute(_FORGET_OLDEST, (count,)).rowcount
        return gone

    @staticmethod
    def _delete(connection: sqlite3.Connection, statement: str, values: tuple[int, ...]) -> int:
        """Chunk by chunk until nothing is left."""
        gone = 0
        while True:
            with _transaction(connection):
                count = connection.execute(statement, values).rowcount
            gone += count
            if count < CHUNK:
                return gone

    def _connection(self) -> sqlite3.Connection:
        """One for each thread; SQLite's own locks stand between them and between processes."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=self._busy_limit, isolation_level=None)
            try:
                self._set_up(connection)
            except BaseException:
                connection.close()
                raise
            self._local.connection = connection
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        """One process at a time looks whether the file is made, and makes it: SQLite does not wait while
        another one changes to WAL, and a file that has a size may still have no tables."""
        with locked(self._path.with_name(f".{self._path.name}.lock")):
            made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'client'").fetchone()
            if made is None:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4194304")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """The write lock is taken at once: asking for it in the middle could fail without waiting."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _write(connection: sqlite3.Connection, triplet: Triplet, decision: GreylistDecision) -> None:
    if (one := decision.triplet) is not None:
        connection.execute(
            "INSERT INTO triplet VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " first = excluded.first, last = excluded.last, has_passed = excluded.has_passed",
            (*_key(triplet), one.first, one.last, int(one.has_passed)),
        )
    if (client := decision.client) is not None:
        connection.execute(
            "INSERT INTO client VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
            " good = excluded.good, last = excluded.last",
            (triplet.network, client.good, client.last),
        )


def _key(triplet: Triplet) -> tuple[str, str, str]:
    return triplet.network, _stored(triplet.sender), _stored(triplet.recipient)


def _stored(address: str) -> str:
    """Addresses come from outside: neither length nor odd bytes may trouble the file."""
    data = address.encode("utf-8", "surrogateescape")
    if len(data) > MAX_ADDRESS or b"\0" in data:
        return "sha256:" + hashlib.sha256(data).hexdigest()
    return data.decode("utf-8", "replace")
