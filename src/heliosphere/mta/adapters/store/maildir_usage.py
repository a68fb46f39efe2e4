"""What a Maildir holds, and the maildirsize file that keeps count without looking."""

from __future__ import annotations

import contextlib
import os
import re
from datetime import datetime
from pathlib import Path

from heliosphere.mta.adapters.files.atomic_files import read_or_none
from heliosphere.mta.rules.store.quota import Quota, Usage, is_over
from heliosphere.mta.wire import maildirsize
from heliosphere.mta.wire.maildirsize import MaildirSize

IN_FLIGHT = 10.0
"""Seconds within which a booked message has certainly arrived or was given up."""
_SIZE_IN_NAME = re.compile(r",S=(\d+)(?:[,:]|\Z)")


def make_maildir(path: Path) -> None:
    """Make the Maildir and the user's home above it, open to nobody else."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    for part in ("", "tmp", "new", "cur"):
        (path / part).mkdir(mode=0o700, exist_ok=True)


def scan(maildir: Path) -> Usage:
    """Count every message in the Maildir and its folders, without Trash and messages marked for it."""
    total = Usage()
    try:
        folders = [entry.path for entry in os.scandir(maildir) if _is_counted_folder(entry)]
    except FileNotFoundError:
        return total
    for folder in (str(maildir), *folders):
        for part in ("cur", "new"):
            total += _scan_part(os.path.join(folder, part))
    return total


def _is_counted_folder(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith(".") and entry.name != ".Trash" and entry.is_dir(follow_symlinks=False)


def _scan_part(directory: str) -> Usage:
    size = count = 0
    try:
        entries = list(os.scandir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return Usage()
    for entry in entries:
        flags = entry.name.partition(":2,")[2]
        if entry.name.startswith(".") or "T" in flags:
            continue
        found = stored_size(entry.name)
        if found is None:
            try:
                found = entry.stat().st_size
            except FileNotFoundError:
                continue
        size, count = size + found, count + 1
    return Usage(size, count)


def stored_size(name: str) -> int | None:
    """The size a message's file name carries (`,S=n`)."""
    match = _SIZE_IN_NAME.search(name)
    return int(match[1]) if match else None


class QuotaBook:
    """Keeps maildirsize of one Maildir. With an unlimited quota nothing is kept."""

    def __init__(self, maildir: Path, quota: Quota) -> None:
        self._maildir, self._quota = maildir, quota
        self._path = maildir / "maildirsize"

    def used(self, now: datetime) -> Usage:
        """What the mailbox holds; a full, wrong or old file is rebuilt first."""
        current = self._read()
        if current is None or self._age(now) > maildirsize.STALE_AFTER:
            return self._rebuild()
        return current.used

    def current(self) -> Usage:
        """What the file says, counted anew only when it cannot be read."""
        found = self._read()
        return found.used if found is not None else self._rebuild()

    def would_be_over(self, adding: int, now: datetime) -> bool:
        """Is there no room for `adding` more bytes? Counts anew before saying yes."""
        if not self._quota.is_limited:
            return False
        current = self._read()
        used = current.used if current else self._rebuild()
        if not is_over(used, self._quota, adding):
            return False
        return is_over(self._recount(current, now), self._quota, adding)

    def reserve(self, stored: int, piped: int, now: datetime) -> bool:
        """Book a message before it is put there; False when it does not fit (nothing is booked then).

        `stored` bytes are booked, but the judgement is on `piped`, the size before delivery headers.
        Booking comes first and is undone on refusal, so that two deliveries at once can never both
        take the last room.
        """
        if not self._quota.is_limited:
            return True
        if self.would_be_over(piped, now):
            return False
        return self._book(stored, piped)

    def release(self, stored: int, messages: int = 1) -> None:
        """Take messages off the count: removed, or not delivered after all."""
        if self._quota.is_limited and self._path.exists():
            self._append(-stored, -messages)

    def write_fresh(self) -> None:
        """Count now and write the file, or drop it when there is no limit to keep count for."""
        if self._quota.is_limited:
            self._rebuild()
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)

    def _book(self, stored: int, piped: int) -> bool:
        self._append(stored, 1)
        now_booked = self._read()
        if now_booked is None:  # grew to its full size, or was spoilt: count anew and book again
            if is_over(self._rebuild(), self._quota, piped):
                return False
            self._append(stored, 1)
            return True
        others = Usage(now_booked.used.bytes - stored, now_booked.used.messages - 1)
        if is_over(others, self._quota, piped):
            self._append(-stored, -1)
            return False
        return True

    def _recount(self, current: MaildirSize | None, now: datetime) -> Usage:
        """Count anew where the file may be wrong; not while a message that is booked may still be on its
        way into the mailbox, or its booking would be lost.
        """
        if current is not None:
            is_one_old_count = current.lines <= 1 and self._age(now) <= maildirsize.STALE_AFTER
            if is_one_old_count or self._age(now) <= IN_FLIGHT:
                return current.used
        return self._rebuild()

    def _read(self) -> MaildirSize | None:
        """The file's sum; None when it must be rebuilt."""
        data = read_or_none(self._path)
        if data is None or len(data) >= maildirsize.FULL_FILE:
            return None
        found = maildirsize.parse(data)
        return found if found is not None and found.quota == self._quota else None

    def _rebuild(self) -> Usage:
        used = scan(self._maildir)
        make_maildir(self._maildir)
        aside = self._maildir / "tmp" / f"{os.getpid()}_NeWmAiLdIrSiZe.{id(self)}"
        aside.write_bytes(maildirsize.render(self._quota, used))
        os.chmod(aside, 0o600)
        os.rename(aside, self._path)
        return used

    def _append(self, size: int, count: int) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, maildirsize.row(size, count))
        finally:
            os.close(descriptor)

    def _age(self, now: datetime) -> float:
        try:
            return now.timestamp() - os.stat(self._path).st_mtime
        except FileNotFoundError:
            return 0.0
