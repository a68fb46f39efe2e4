"""The traffic log: a file of our own, and syslog as the control sysfacility says."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from heliosphere.mta.adapters.files.buffered_lines import BufferedLines
from heliosphere.mta.adapters.logs.syslog_sender import SyslogSender
from heliosphere.mta.rules.syslog_targets import SyslogTarget
from heliosphere.mta.rules.traffic import TrafficEntry, line_of


class TrafficLog:
    """`path` is the file; `target()` is asked for each line; `host` names this server."""

    def __init__(
        self, path: Path, host: str, clock: Callable[[], datetime], target: Callable[[], SyslogTarget],
        syslog: SyslogSender,
    ) -> None:  # fmt: skip
        self._path, self._host, self._clock = path, host, clock
        self._target, self._syslog = target, syslog
        self._lines = BufferedLines(self._place)

    def add(self, entry: TrafficEntry) -> None:
        now = self._clock()
        self._lines.add(line_of(entry, now, self._host, os.getpid()))
        self._syslog.send(self._target(), f"{entry.kind}[{os.getpid()}]", entry.text(now))

    def flush(self) -> None:
        self._lines.flush()

    def _place(self) -> Path:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._path
