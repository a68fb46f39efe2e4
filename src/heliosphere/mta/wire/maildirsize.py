"""maildirsize: the quota in the first line, then `bytes messages` lines that are summed."""

from __future__ import annotations

from dataclasses import dataclass

from heliosphere.mta.rules.store.quota import Quota, Usage, parse_quota

FULL_FILE = 5120
"""Bytes from which on the file is rebuilt."""
STALE_AFTER = 15 * 60
"""Seconds after which the file is rebuilt when it is asked."""


@dataclass(frozen=True, slots=True)
class MaildirSize:
    quota: Quota
    used: Usage
    lines: int


def parse(data: bytes) -> MaildirSize | None:
    """Sum the file up; None when it must be rebuilt (bad line, negative sum)."""
    head, *rows = data.split(b"\n")
    quota = parse_quota(head.decode("ascii", "replace"))
    if quota is None or not rows:
        return None
    if rows[-1] != b"":
        return None
    size = count = 0
    for row in rows[:-1]:
        try:
            left, right = row.split()
            size, count = size + int(left), count + int(right)
        except ValueError:
            return None
    if size < 0 or count < 0:
        return None
    return MaildirSize(quota, Usage(size, count), len(rows) - 1)


def render(quota: Quota, used: Usage) -> bytes:
    """A fresh file; a zero total is written too."""
    return f"{quota}\n{used.bytes} {used.messages}\n".encode()


def row(size: int, count: int) -> bytes:
    """One change, to be appended with one write."""
    return f"{size} {count}\n".encode()
