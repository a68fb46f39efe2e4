"""Counters that all processes of the engine share: sessions, sessions of an address, failed sign-ins.

They lie in memory that is mapped before the processes are forked. Sessions are counted in a row for each
worker, which only that worker writes and which is emptied when it starts anew: a killed worker leaves no
ghosts behind. Names are hashed with a secret; two names in one place are counted together, of a million
places.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import mmap
import os
import secrets
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_PLACES = 1 << 20
_ROW = _PLACES * 2 + mmap.PAGESIZE
_WINDOW = 600
"""Seconds of failed sign-ins that count."""


def _hasher() -> Callable[[str], int]:
    key = secrets.token_bytes(16)

    def place(name: str) -> int:
        digest = hashlib.blake2b(name.encode("utf-8", "replace"), key=key, digest_size=4).digest()
        return int.from_bytes(digest, "big") % _PLACES

    return place


class SessionTable:
    """Live sessions of `workers` processes. Make it before forking."""

    def __init__(self, workers: int) -> None:
        self._memory = mmap.mmap(-1, _ROW * workers)
        self.workers = workers
        self._place = _hasher()
        self._lock = os.memfd_create("sessions", os.MFD_CLOEXEC)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """No other worker is in here at the same time."""
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def row(self, worker: int) -> SessionRow:
        """The row of one worker (from 0), emptied if another used it before; untouched memory costs
        nothing."""
        start = worker * _ROW
        if any(self._memory[start : start + mmap.PAGESIZE]):
            self._memory[start : start + _ROW] = bytes(_ROW)
        return SessionRow(self, start)

    def total(self) -> int:
        return sum(self.total_at(worker * _ROW) for worker in range(self.workers))

    def of_address(self, ip: str) -> int:
        offset = mmap.PAGESIZE + 2 * self._place(ip)
        rows = (worker * _ROW + offset for worker in range(self.workers))
        return sum(struct.unpack_from("<H", self._memory, at)[0] for at in rows)

    def total_at(self, start: int) -> int:
        (count,) = struct.unpack_from("<I", self._memory, start)
        return int(count)

    def change_total(self, start: int, by: int) -> None:
        struct.pack_into("<II", self._memory, start, max(0, self.total_at(start) + by), 1)

    def change(self, start: int, ip: str, by: int) -> None:
        at = start + mmap.PAGESIZE + 2 * self._place(ip)
        (count,) = struct.unpack_from("<H", self._memory, at)
        struct.pack_into("<H", self._memory, at, min(max(0, count + by), 0xFFFF))


@dataclass(frozen=True, slots=True)
class SessionRow:
    """What one worker writes."""

    table: SessionTable
    start: int

    def begin(self, ip: str) -> None:
        self.table.change(self.start, ip, 1)

    def end(self, ip: str) -> None:
        self.table.change(self.start, ip, -1)


@dataclass(frozen=True, slots=True)
class SharedPlaces:
    """The limit that all workers share (the Places port of the acceptor)."""

    row: SessionRow
    limit: int

    def take(self) -> bool:
        """Near the limit two workers may not look at the same moment; a lock that its holder's death
        frees keeps them apart."""
        table = self.row.table
        if table.total() + table.workers < self.limit:
            table.change_total(self.row.start, 1)
            return True
        with table.alone():
            has_place = table.total() < self.limit
            if has_place:
                table.change_total(self.row.start, 1)
        return has_place

    def leave(self) -> None:
        self.row.table.change_total(self.row.start, -1)


class FailureTable:
    """Failed sign-ins by address and by account, in windows of ten minutes. Make it before forking.

    `limit()` is asked each time, 0 sets none. Two processes that count at the same moment may lose one
    count: that only makes the limit a little larger.
    """

    def __init__(self, clock: Callable[[], float], limit: Callable[[], int]) -> None:
        self._memory = mmap.mmap(-1, _PLACES * 4)
        self._clock, self._limit = clock, limit
        self._place = _hasher()

    def is_blocked(self, ip: str, account: str) -> bool:
        limit = self._limit()
        return bool(limit) and any(self._count(name) >= limit for name in _names(ip, account))

    def failed(self, ip: str, account: str) -> None:
        window = self._window()
        for name in _names(ip, account):
            count = min(self._count(name) + 1, 0xFFFF)
            struct.pack_into("<HH", self._memory, 4 * self._place(name), window, count)

    def _count(self, name: str) -> int:
        window, count = struct.unpack_from("<HH", self._memory, 4 * self._place(name))
        return int(count) if window == self._window() else 0

    def _window(self) -> int:
        return int(self._clock() / _WINDOW) & 0xFFFF


def _names(ip: str, account: str) -> tuple[str, str]:
    return f"ip {ip}", f"account {account.lower()}"
