"""Which processes a house started, noted on disk: after a killed supervisor the next one ends its orphans."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from heliosphere.cli.house.places import write

_PATIENCE = 10.0


def start_mark(pid: int) -> str | None:
    """When the kernel started this pid, in its own ticks (proc(5), field 22); None when it is gone or dead.

    A pid is used again by others; pid and mark together are not.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


class Records:
    def __init__(self, file: Path) -> None:
        self._file = file

    def keep(self, pids: list[int]) -> None:
        write(self._file, json.dumps({str(pid): start_mark(pid) for pid in pids}))

    def clear(self) -> None:
        self._file.unlink(missing_ok=True)

    def orphans(self) -> list[int]:
        """Noted processes that still run and are the very ones that were noted."""
        try:
            noted = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return []
        return [int(pid) for pid, mark in noted.items() if mark is not None and start_mark(int(pid)) == mark]

    def end_orphans(self) -> int:
        """End what a killed supervisor left; returns how many there were."""
        orphans = self.orphans()
        for pid in orphans:
            _signal_group(pid, signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE
        while self.orphans() and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in orphans:
            _signal_group(pid, signal.SIGKILL)
        self.clear()
        return len(orphans)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
