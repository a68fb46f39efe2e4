"""Records of SMTP transactions, for questions afterwards: one JSON object a line, a file for each day.

A record says who was there, what was asked for and answered, and what each check found. Lines are gathered
for a moment and written with one call, so several processes can share a file.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from heliosphere.mta.adapters.files.buffered_lines import BufferedLines

Clock = Callable[[], datetime]

BLOCK = 64 * 1024
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class SessionRecords:
    """Records below `directory`. `days()` is asked for how long they are kept; 0 keeps none."""

    def __init__(self, directory: Path, clock: Clock, days: Callable[[], int]) -> None:
        self._directory, self._clock, self._days = directory, clock, days
        self._day = ""
        self._lines = BufferedLines(self._todays)

    @property
    def is_on(self) -> bool:
        return self._days() > 0

    def add(self, record: dict[str, Any]) -> None:
        self._lines.add(_encode(record))

    def flush(self) -> None:
        """Write what is gathered."""
        self._lines.flush()

    def _todays(self) -> Path:
        day = self._clock().astimezone(UTC).strftime("%Y-%m-%d")
        if day != self._day:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._day = day
            self.prune()
        return self._directory / f"{day}.jsonl"

    def prune(self) -> None:
        """Remove days that are over."""
        oldest = (self._clock().astimezone(UTC) - timedelta(days=max(self._days(), 1) - 1)).strftime(
            "%Y-%m-%d"
        )
        for path in self._directory.glob("*.jsonl"):
            if path.stem < oldest:
                path.unlink(missing_ok=True)

    def latest(
        self,
        limit: int,
        wanted: Callable[[dict[str, Any]], bool] = lambda record: True,
        look_at: int | None = None,
    ) -> list[dict[str, Any]]:
        """The last records that are `wanted`, newest first; no more than `look_at` are read."""
        found: list[dict[str, Any]] = []
        for record in itertools.islice(self._newest_first(), look_at):
            if wanted(record):
                found.append(record)
                if len(found) >= limit:
                    break
        return found

    def find(self, number: str) -> dict[str, Any] | None:
        """The record with this id; the id begins with its day."""
        path = self._directory / f"{number[:4]}-{number[4:6]}-{number[6:8]}.jsonl"
        for line in _lines_backwards(path):
            if number.encode() in line:
                record = _read(line)
                if record is not None and record.get("id") == number:
                    return record
        return None

    def _newest_first(self) -> Iterator[dict[str, Any]]:
        for path in sorted(self._directory.glob("*.jsonl"), reverse=True):
            for line in _lines_backwards(path):
                record = _read(line)
                if record is not None:
                    yield record


def _read(line: bytes) -> dict[str, Any] | None:
    """None for a line that was cut by a crash."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Lines of a file from its end; nothing when it is not there."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        return
    with file:
        left = file.seek(0, os.SEEK_END)
        rest = b""
        while left > 0:
            start = max(0, left - BLOCK)
            file.seek(start)
            block = file.read(left - start) + rest
            left = start
            lines = block.split(b"\n")
            rest = lines[0]
            yield from (line for line in reversed(lines[1:]) if line)
        if rest:
            yield rest
