"""Events as lines of text: time, dotted name, `key=value` fields."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

_PLAIN = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._-+/:,<>=#[]()%~!*&$?^{}|'"
)
MAX_LINE = 4000
"""Below the size up to which a write to a pipe is never mixed with another's."""


class LineLog:
    """Writes each event with one write to a file descriptor, so several processes can share it."""

    def __init__(self, descriptor: int, clock: Callable[[], datetime]) -> None:
        self._descriptor, self._clock = descriptor, clock

    def event(self, name: str, **fields: object) -> None:
        stamp = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        words = [stamp, name, *(f"{key}={_shown(str(value))}" for key, value in fields.items())]
        self._write(" ".join(words))

    def line(self, text: str) -> None:
        """A line in a form of its own, such as those of qmail-smtpd; control characters are taken out."""
        stamp = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        shown = text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
        self._write(f"{stamp} {shown}")

    def _write(self, text: str) -> None:
        line = text[: MAX_LINE - 1] + "\n"
        try:
            os.write(self._descriptor, line.encode("utf-8", "replace"))
        except OSError:  # a full disk or a closed pipe must not stop the mail
            return


def _shown(text: str) -> str:
    """Quoted when it holds anything that could end the field or the line."""
    if text and all(char in _PLAIN for char in text):
        return text
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else f"\\x{ord(char):02x}"
