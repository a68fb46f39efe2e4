"""Running services, known by their pid file: is it alive, ask it to read its configuration again."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def running_pid(pid_file: Path, program: str) -> int | None:
    """The pid in `pid_file` when that process lives and really is `program` (a stale file names anyone)."""
    try:
        pid = int(pid_file.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return pid if name == program else None


def reload(pid_file: Path, program: str) -> bool:
    """Send SIGHUP; False when the service does not run."""
    pid = running_pid(pid_file, program)
    if pid is None:
        return False
    os.kill(pid, signal.SIGHUP)
    return True
