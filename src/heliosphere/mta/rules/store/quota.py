"""Quota strings (`10485760S,1000C`) and the arithmetic of Maildir++."""

from __future__ import annotations

import re
from dataclasses import dataclass

NO_QUOTA = "NOQUOTA"
_UNITS = {"": 1, "S": 1, "B": 1} | {
    unit + tail: 1024**power for power, unit in enumerate("KMG", 1) for tail in ("", "B")
}
_PART = re.compile(r"(\d{1,18})([A-Z]*)\Z")


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one mailbox; 0 means no limit of that kind."""

    bytes: int = 0
    messages: int = 0

    @property
    def is_limited(self) -> bool:
        return bool(self.bytes or self.messages)

    def __str__(self) -> str:
        parts = [f"{self.bytes}S"] if self.bytes else []
        if self.messages:
            parts.append(f"{self.messages}C")
        return ",".join(parts) or NO_QUOTA


@dataclass(frozen=True, slots=True)
class Usage:
    """What a mailbox holds."""

    bytes: int = 0
    messages: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.bytes + other.bytes, self.messages + other.messages)


def parse_quota(text: str) -> Quota | None:
    """Read a quota as an operator types it or a file holds it; None when it makes no sense.

    Units S, K, M, G and C (messages), comma or semicolon between; empty, 0 and NOQUOTA mean no limit.
    """
    text = text.strip().upper()
    if text in ("", "0", NO_QUOTA):
        return Quota()
    found = {"bytes": 0, "messages": 0}
    for part in re.split(r"[,;]", text):
        match = _PART.match(part.strip())
        if match is None:
            return None
        number, unit = int(match[1]), match[2]
        if unit == "C":
            found["messages"] = number
        elif unit in _UNITS:
            found["bytes"] = number * _UNITS[unit]
        else:
            return None
    return Quota(**found)


def percent_used(used: Usage, quota: Quota) -> int:
    """Fullest of the two limits in whole percent; 0 without limits."""
    by_bytes = used.bytes * 100 // quota.bytes if quota.bytes else 0
    by_messages = used.messages * 100 // quota.messages if quota.messages else 0
    return max(by_bytes, by_messages)


def is_over(used: Usage, quota: Quota, adding: int) -> bool:
    """Would one more message of `adding` bytes pass a limit? Reaching a limit exactly is allowed."""
    if quota.bytes and quota.bytes < used.bytes + adding:
        return True
    return bool(quota.messages) and quota.messages < used.messages + 1
