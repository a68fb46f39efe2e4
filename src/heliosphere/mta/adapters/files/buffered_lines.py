"""Lines for a file that several processes append to: gathered for a moment, written with one call."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

FLUSH_AFTER = 0.25
"""Seconds."""
MOST_PENDING = 128 * 1024


class BufferedLines:
    """`place()` names the file at the time of writing. A full disk costs lines, never mail."""

    def __init__(self, place: Callable[[], Path]) -> None:
        self._place = place
        self._pending: list[str] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, line: str) -> None:
        """`line` without its end. Call it from the event loop."""
        self._pending.append(line + "\n")
        self._size += len(line)
        if self._size > MOST_PENDING:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text, self._pending, self._size = "".join(self._pending), [], 0
        with contextlib.suppress(OSError):
            path = self._place()
            if text:
                _append(path, text.encode("utf-8", "surrogateescape"))


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
