"""Constant databases on disk, written whole and read with a check for damage."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from pathlib import Path

import cdblib

from heliosphere.mta.adapters.files.atomic_files import write_atomic
from heliosphere.mta.rules.errors import TryLater

_HEADER = 2048
_PAIR = struct.Struct("<II")


def cdb_bytes(records: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The file for these records, in this order."""
    out = io.BytesIO()
    with cdblib.Writer(out) as writer:
        for key, value in records:
            writer.put(key, value)
    return out.getvalue()


def write_cdb(path: Path, records: Iterable[tuple[bytes, bytes]], mode: int | None = None) -> None:
    write_atomic(path, cdb_bytes(records), mode)


class Cdb:
    """A cdb held in memory. A damaged one raises TryLater: never "not found" for a broken file.

    The library's reader would search a damaged table without an empty slot for ever.
    """

    def __init__(self, data: bytes, name: str = "cdb") -> None:
        self._name, self._data = name, data
        if len(data) < _HEADER:
            raise self._broken()
        self._check_tables(data)

    def get(self, key: bytes) -> bytes | None:
        """The first value of `key`."""
        hashed = cdblib.djb_hash(key)
        position, slots = _PAIR.unpack_from(self._data, (hashed & 255) * _PAIR.size)
        slot = (hashed >> 8) % slots if slots else 0
        for _ in range(slots):
            found, record = self._pair(position + slot * _PAIR.size)
            if not record:
                return None
            value = self._value(record, key) if found == hashed else None
            if value is not None:
                return value
            slot = slot + 1 if slot + 1 < slots else 0
        if slots:  # a table always has a slot to spare
            raise self._broken()
        return None

    def _value(self, record: int, key: bytes) -> bytes | None:
        """What the record holds, if it is one of `key`."""
        sizes = self._pair(record)
        start = record + _PAIR.size
        if self._data[start : start + sizes[0]] != key:
            return None
        value = self._data[start + sizes[0] : start + sum(sizes)]
        if len(value) < sizes[1]:
            raise self._broken()
        return value

    def _pair(self, position: int) -> tuple[int, int]:
        try:
            first, second = _PAIR.unpack_from(self._data, position)
        except struct.error as error:
            raise self._broken() from error
        return first, second

    def _check_tables(self, data: bytes) -> None:
        for position, slots in struct.iter_unpack("<II", data[:_HEADER]):
            if slots and position + slots * 8 > len(data):
                raise self._broken()

    def _broken(self) -> TryLater:
        return TryLater("broken-cdb", f"{self._name} is cut short or damaged")
