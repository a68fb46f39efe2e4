"""The users of one domain: vpasswd, the vpasswd.cdb beside it, and the lock in front of both."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import AbstractContextManager
from pathlib import Path

from heliosphere.mta.adapters.files.atomic_files import file_stamp, read_or_none, write_atomic
from heliosphere.mta.adapters.files.cdb_files import Cdb, write_cdb
from heliosphere.mta.adapters.files.locks import locked
from heliosphere.mta.wire import vpasswd
from heliosphere.mta.wire.vpasswd import VpasswdLine

_CACHED_DOMAINS = 256


class VpasswdFile:
    """Read and change one domain's users. Changes need the lock of `lock()`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def lock(self) -> AbstractContextManager[None]:
        return locked(self.directory / ".vpasswd.lock")

    def read(self) -> dict[str, VpasswdLine]:
        data = read_or_none(self.directory / "vpasswd")
        return vpasswd.parse(_text(data)) if data is not None else {}

    def write(self, users: dict[str, VpasswdLine]) -> None:
        """Text first, then the cdb: readers take a cdb only when it is not older than the text."""
        text = vpasswd.render(users.values())
        write_atomic(self.directory / "vpasswd", text.encode("utf-8", "surrogateescape"))
        records = [
            (one.name.encode("utf-8", "surrogateescape"), one.value().encode("utf-8", "surrogateescape"))
            for one in sorted(users.values(), key=lambda one: one.name.encode("utf-8", "surrogateescape"))
        ]
        write_cdb(self.directory / "vpasswd.cdb", records)


class VpasswdReader:
    """Looks users up, through the cdb where it is current; remembers files until they change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cache: OrderedDict[Path, tuple[object, Cdb | dict[str, VpasswdLine]]] = OrderedDict()

    def find(self, directory: Path, name: str) -> VpasswdLine | None:
        """The user `name`, or None. Raises TryLater when the files cannot be trusted."""
        table = self._table(directory)
        if isinstance(table, Cdb):
            value = table.get(name.encode("utf-8", "surrogateescape"))
            return vpasswd.parse_value(name, _text(value)) if value is not None else None
        return table.get(name)

    def _table(self, directory: Path) -> Cdb | dict[str, VpasswdLine]:
        text_stamp = file_stamp(directory / "vpasswd")
        cdb_stamp = file_stamp(directory / "vpasswd.cdb")
        stamp = (text_stamp, cdb_stamp)
        cached = self._cache.get(directory)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        use_cdb = cdb_stamp is not None and (text_stamp is None or cdb_stamp[0] >= text_stamp[0])
        table = self._read_cdb(directory) if use_cdb else VpasswdFile(directory).read()
        with self._lock:
            self._cache[directory] = (stamp, table)
            self._cache.move_to_end(directory)
            while len(self._cache) > _CACHED_DOMAINS:
                self._cache.popitem(last=False)
        return table

    @staticmethod
    def _read_cdb(directory: Path) -> Cdb | dict[str, VpasswdLine]:
        data = read_or_none(directory / "vpasswd.cdb")
        if data is None:
            return VpasswdFile(directory).read()
        return Cdb(data, f"vpasswd.cdb of {directory.name}")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
