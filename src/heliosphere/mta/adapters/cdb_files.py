"""Constant databases on disk, written whole and read with a check for damage."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from pathlib import Path

import cdblib

from heliosphere.mta.adapters.atomic_files import write_atomic
from heliosphere.mta.rules.errors import TryLater

_HEADER = 2048


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
    """A cdb held in memory. A damaged one raises TryLater: never "not found" for a broken file."""

    def __init__(self, data: bytes, name: str = "cdb") -> None:
        self._name = name
        if len(data) < _HEADER:
            raise self._broken()
        self._reader = cdblib.Reader(data)
        self._check_tables(data)

    def get(self, key: bytes) -> bytes | None:
        try:
            found: bytes | None = self._reader.get(key)
        except (struct.error, IndexError, ValueError) as error:
            raise self._broken() from error
        return found

    def _check_tables(self, data: bytes) -> None:
        for position, slots in struct.iter_unpack("<II", data[:_HEADER]):
            if slots and position + slots * 8 > len(data):
                raise self._broken()

    def _broken(self) -> TryLater:
        return TryLater("broken-cdb", f"{self._name} is cut short or damaged")
