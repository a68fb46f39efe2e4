"""Delivery into Maildirs: written once in tmp, synced, then linked into `new` of every mailbox."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from heliosphere.mta.adapters.store.group_commit import Fault, no_fault
from heliosphere.mta.adapters.store.maildir_usage import QuotaBook, make_maildir
from heliosphere.mta.rules.store.routing import MailboxTarget
from heliosphere.mta.services.ports import Clock

_sequence = itertools.count()


class MaildirMailboxes:
    """The Mailboxes port. `host` becomes part of file names."""

    def __init__(self, host: str, clock: Clock, fault: Fault = no_fault) -> None:
        self._host = host[:32].replace("/", r"\057").replace(":", r"\072")
        self._clock, self._fault = clock, fault

    def prepare(self, targets: Sequence[MailboxTarget], parts: Sequence[bytes]) -> MaildirCommit:
        now = self._clock()
        size = sum(len(part) for part in parts)
        name = f"{int(now.timestamp())}.M{now.microsecond}P{os.getpid()}Q{next(_sequence)}.{self._host}"
        maildirs = [_place(one) for one in targets]
        return MaildirCommit(maildirs, name, size, parts, self._fault)

    def reserve(self, target: MailboxTarget, stored: int, piped: int) -> bool:
        if not target.quota.is_limited:
            return True
        return QuotaBook(Path(target.maildir), target.quota).reserve(stored, piped, self._clock())

    def release(self, target: MailboxTarget, stored: int) -> None:
        with contextlib.suppress(OSError):  # the next count from scratch puts it right
            QuotaBook(Path(target.maildir), target.quota).release(stored)


def _place(target: MailboxTarget) -> Path:
    """The Maildir of the folder, made if it is not there (Maildir++)."""
    inbox = Path(target.maildir)
    if not target.folder:
        return inbox
    folder = inbox / target.folder
    if not folder.is_dir() and inbox.is_dir():
        make_maildir(folder)
        (folder / "maildirfolder").touch(0o600)
    return folder


class MaildirCommit:
    """One message for one or more Maildirs. The file is written on creation, in the caller's thread."""

    def __init__(
        self, maildirs: list[Path], name: str, size: int, parts: Sequence[bytes], fault: Fault
    ) -> None:
        self._fault = fault
        self._aside = str(maildirs[0] / "tmp" / name)
        self._placed: list[str] = []
        final = f"{name},S={size}"
        self._targets = [str(maildir / "new" / final) for maildir in maildirs]
        self._descriptor = self._open(maildirs[0])
        try:
            _write_all(self._descriptor, parts)
        except OSError:
            self.undo()
            raise
        fault("maildir.written")

    def run(self) -> Collection[str]:
        try:
            os.fsync(self._descriptor)
        finally:
            self._close()
        self._fault("maildir.synced")
        for target in self._targets[1:]:
            _link(self._aside, target)
            self._placed.append(target)
            self._fault("maildir.linked")
        os.rename(self._aside, self._targets[0])
        self._placed.append(self._targets[0])
        self._fault("maildir.renamed")
        return {os.path.dirname(target) for target in self._targets}

    def undo(self) -> None:
        self._close()
        for path in (self._aside, *self._placed):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _open(self, maildir: Path) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(self._aside, flags, 0o600)
        except FileNotFoundError:
            if not maildir.parent.is_dir():  # a mailbox that is being removed stays removed
                raise
            make_maildir(maildir)
            return os.open(self._aside, flags, 0o600)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _write_all(descriptor: int, parts: Sequence[bytes]) -> None:
    wanted = sum(len(part) for part in parts)
    written = os.writev(descriptor, parts)
    if written < wanted:
        rest = b"".join(parts)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _link(source: str, target: str) -> None:
    """A hard link; a copy where the mailbox is on another file system."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        make_maildir(Path(target).parent.parent)
        os.link(source, target)
    except OSError as trouble:
        if trouble.errno not in (errno.EXDEV, errno.EMLINK):
            raise
        final = Path(target)
        aside = final.parent.parent / "tmp" / final.name
        shutil.copyfile(source, aside)
        with open(aside, "rb") as file:
            os.fsync(file.fileno())
        os.rename(aside, target)
