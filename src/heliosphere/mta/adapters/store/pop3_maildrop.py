"""A Maildir as a POP3 session sees it: fixed at sign-in, changed only by a proper end."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from heliosphere.mta.adapters.store.maildir_usage import QuotaBook, stored_size
from heliosphere.mta.rules.store.quota import Quota
from heliosphere.mta.wire.pop3 import Item


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    base: str
    item: Item


class Maildrop:
    """Messages of `new` and `cur`, oldest first. Reading does not mark anything until the end."""

    def __init__(self, maildir: Path, quota: Quota) -> None:
        self._maildir, self._quota = maildir, quota
        files = [_file(Path(entry.path)) for part in ("cur", "new") for entry in _entries(maildir / part)]
        self._files = sorted((one for one in files if one is not None), key=lambda one: _age_key(one.base))

    def items(self) -> list[Item]:
        return [one.item for one in self._files]

    def read(self, index: int) -> bytes | None:
        """None when somebody else removed it meanwhile."""
        one = self._files[index]
        for _ in range(2):
            path = self._now_at(one)
            if path is None:
                return None
            with contextlib.suppress(FileNotFoundError):
                return path.read_bytes()
        return None

    def finish(self, deleted: Iterable[int], seen: Iterable[int]) -> int:
        """Remove and mark; returns how many messages could not be removed."""
        failures = 0
        for index in deleted:
            try:
                self._remove(self._files[index])
            except OSError:
                failures += 1
        for index in seen:
            with contextlib.suppress(OSError):
                self._mark_seen(self._files[index])
        return failures

    def _remove(self, one: _File) -> None:
        path = self._now_at(one)
        if path is None:
            return
        size = path.stat().st_size
        os.unlink(path)
        QuotaBook(self._maildir, self._quota).release(stored_size(path.name) or size)

    def _mark_seen(self, one: _File) -> None:
        path = self._now_at(one)
        if path is None:
            return
        name, _, flags = path.name.partition(":2,")
        wanted = "".join(sorted({*flags, "S"}))
        os.rename(path, self._maildir / "cur" / f"{name}:2,{wanted}")

    def _now_at(self, one: _File) -> Path | None:
        """Another program may have moved it to cur or changed its flags."""
        if one.path.exists():
            return one.path
        for part in ("cur", "new"):
            for entry in _entries(self._maildir / part):
                if entry.name.partition(":")[0] == one.base:
                    return Path(entry.path)
        return None


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as found:
            return [entry for entry in found if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []


def _file(path: Path) -> _File | None:
    base = path.name.partition(":")[0]
    size = stored_size(path.name)
    try:
        octets = size if size is not None else path.stat().st_size
    except FileNotFoundError:
        return None
    return _File(path, base, Item(_uid(base), octets))


def _uid(base: str) -> str:
    """The unique part of the name: printable ASCII, at most 70 characters (RFC 1939, section 7)."""
    uid = base.partition(",")[0]
    if len(uid) <= 70 and uid.isascii() and all(32 < ord(char) < 127 for char in uid):
        return uid
    return hashlib.sha256(base.encode("utf-8", "surrogateescape")).hexdigest()[:40]


def _age_key(base: str) -> tuple[int, str]:
    seconds = base.partition(".")[0]
    return (int(seconds) if seconds.isascii() and seconds.isdigit() else 0, base)
