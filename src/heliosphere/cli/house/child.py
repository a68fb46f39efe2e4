"""One process of the house: started in its own process group, logged to its own file, ended cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from heliosphere.cli.house.component import Component, House

LOG_LIMIT = 20_000_000
"""Bytes after which a log is set aside (one old one is kept) at the next start of its process."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a crashed process is started again: doubled each time, up to the longest."""
STEADY = 60.0
"""A process that lived this long starts counting from the first pause again."""


def pause_before(failures: int) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 16))


class Child:
    def __init__(
        self, component: Component, house: House, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.component = component
        self._house = house
        self._monotonic = monotonic
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._first_started = 0.0
        self.failures = 0
        self.restart_at = 0.0

    @property
    def name(self) -> str:
        return self.component.name

    @property
    def log_file(self) -> Path:
        return self._house.places.log / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Raises OSError when the program cannot be run at all."""
        _set_aside(self.log_file)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (argument list from the registry)
                self.component.argv(self._house),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._house.places.data,
                env={**_environment(), **self.component.environment(self._house)},
                start_new_session=True,
            )
        self._started = self._monotonic()
        self._first_started = self._first_started or self._started

    def exit_code(self) -> int | None:
        """None while it runs (or was never started); below zero: ended by that signal."""
        return self._process.poll() if self._process else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def age(self) -> float:
        """Seconds since it was first started in this start-up, crashes included."""
        return self._monotonic() - self._first_started

    def waits_for_restart(self) -> bool:
        return self._process is None and not self.component.once

    def put_off(self) -> None:
        """It could not be started; try again after the next pause."""
        self.failures += 1
        self.restart_at = self._monotonic() + pause_before(self.failures)

    def note_crash(self) -> float:
        """Count the crash; returns the seconds until it is started again."""
        if self._monotonic() - self._started > STEADY:
            self.failures = 0
        self.failures += 1
        pause = pause_before(self.failures)
        self.restart_at = self._monotonic() + pause
        self._end_group()
        self._process = None
        return pause

    def stop(self) -> None:
        """Ask it to end, wait its grace, then end its whole group."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(self.component.stop_signal)
            try:
                self._process.wait(self.component.grace)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._end_group()
        self._process.wait()
        self._process = None

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        try:
            with self.log_file.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 4000))
                text = log.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-lines:])

    def _end_group(self) -> None:
        """What the process left behind in its own group (its workers) goes with it."""
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    chosen = {name: os.environ[name] for name in kept if name in os.environ}
    return {"LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", **chosen}


def _set_aside(log: Path) -> None:
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
