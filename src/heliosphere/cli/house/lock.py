"""One house per data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class AlreadyRunning(Exception):
    """`pid` is the house that holds the directory; 0 when it has not said its number yet."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self.pid = pid


def take(path: Path) -> int:
    """Hold `path` until this process ends; returns the descriptor. Raises AlreadyRunning."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunning(_pid_in(descriptor)) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def peek(path: Path) -> int:
    """Like `take`, for a look only: writes nothing. Close the descriptor at once."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunning(_pid_in(descriptor)) from None
    return descriptor


def _pid_in(descriptor: int) -> int:
    """Reads and closes."""
    text = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
    os.close(descriptor)
    return int(text) if text.isdigit() else 0
