"""Which process runs the mail engine on a tree: a file with its number, locked as long as it lives."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from pathlib import Path

from heliosphere.mta.rules.errors import Refused


def pid_path(root: Path) -> Path:
    return root / "qmail" / "serve.pid"


class PidFile:
    """Held by `serve` in its first process. The lock is not inherited by children and ends with the process,
    so a number left by a crash is never taken for a running engine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def hold(self) -> None:
        """Raises Refused when another engine runs on this tree."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise Refused("engine-runs", f"another mail engine runs on {self._path.parent}") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
            os.close(self._descriptor)
            self._descriptor = None


def running_engine(path: Path) -> int | None:
    """The process number of the engine that holds the file now; None when there is none."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        return int(text) if text.isdecimal() else None
    else:
        return None
    finally:
        os.close(descriptor)


def ask_restart(path: Path) -> int | None:
    """Send the running engine SIGHUP, which starts its programs anew; its number, or None when none runs."""
    pid = running_engine(path)
    if pid is not None:
        os.kill(pid, signal.SIGHUP)
    return pid
