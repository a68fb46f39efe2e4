"""What the node remembers of jobs: the highest fence seen per object, and how each job ended.

A small SQLite file, written through to disk, so that a job delivered twice is answered and not run again.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from heliosphere.contracts.codec import decode, encode
from heliosphere.contracts.jobs import JobOutcome

_TABLES = """
create table if not exists fences (object_key text primary key, fence integer not null) without rowid;
create table if not exists outcomes (
    job_id integer primary key, fence integer not null, ended_at real not null, outcome text not null);
create index if not exists outcomes_by_age on outcomes (ended_at);
"""
KEEP_SECONDS = 30 * 86400
"""How long an outcome is kept; a job older than that is not delivered any more."""


class Journal:
    """Safe for threads and for several processes on the same file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self._database.executescript("pragma journal_mode = wal; pragma synchronous = full;" + _TABLES)

    def close(self) -> None:
        self._database.close()

    def highest_fence(self, object_key: str) -> int:
        row = self._one("select fence from fences where object_key = ?", object_key)
        return 0 if row is None else int(row[0])

    def keep_fence(self, object_key: str, fence: int) -> None:
        """Raise the object's fence; a lower one changes nothing."""
        self._do(
            "insert into fences values (?, ?)"
            " on conflict (object_key) do update set fence = max(fence, excluded.fence)",
            object_key,
            fence,
        )

    def outcome(self, job_id: int) -> JobOutcome | None:
        row = self._one("select outcome from outcomes where job_id = ?", job_id)
        return None if row is None else decode(row[0])

    def keep_outcome(self, outcome: JobOutcome, *, now: float) -> None:
        """`now` in seconds since 1970."""
        self._do(
            "insert or replace into outcomes values (?, ?, ?, ?)",
            outcome.job_id,
            outcome.fence,
            now,
            encode(outcome),
        )
        self._do("delete from outcomes where ended_at < ?", now - KEEP_SECONDS)

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
        return row

    def _do(self, statement: str, *values: object) -> None:
        with self._lock:
            self._database.execute(statement, values)
