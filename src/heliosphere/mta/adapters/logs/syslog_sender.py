"""Lines to the local syslog daemon."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable

from heliosphere.mta.rules.syslog_targets import SyslogTarget, syslog_message

SOCKET = "/dev/log"
LOOK_AGAIN = 5.0
"""Seconds between two looks for a daemon that is away."""


class SyslogSender:
    """Sends and forgets: a syslog daemon that is away or slow never holds up mail."""

    def __init__(self, path: str = SOCKET, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path, self._monotonic = path, monotonic
        self._socket: socket.socket | None = None
        self._away_until = 0.0

    def send(self, target: SyslogTarget, program: str, text: str) -> bool:
        """False when nobody took the line. A daemon that was started anew is found again at once, one that
        is away is looked for every few seconds."""
        if self._socket is None and self._monotonic() < self._away_until:
            return False
        message = syslog_message(target, program, text)
        for _ in range(2):
            try:
                self._connected().send(message)
            except BlockingIOError:
                return False
            except OSError:
                self.close()
                continue
            return True
        self._away_until = self._monotonic() + LOOK_AGAIN
        return False

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            fresh = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                fresh.setblocking(False)
                fresh.connect(self._path)
            except OSError:
                fresh.close()
                raise
            self._socket = fresh
        return self._socket
