"""The queue on disk, in qmail's layout and order of steps (docs/mta/queue.md)."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from heliosphere.mta.adapters.files.atomic_files import sync_directory
from heliosphere.mta.adapters.store.group_commit import Fault, commit_now, no_fault
from heliosphere.mta.queue.states import (
    HASH,
    Channel,
    Envelope,
    QueuedMessage,
    channel_bytes,
    parse_channel,
    parse_todo,
    todo_bytes,
)
from heliosphere.mta.rules.errors import Refused

_sequence = itertools.count()
ABANDONED_AFTER = 36 * 3600
"""Seconds after which what a crash left before acceptance is removed."""


class SpoolFiles:
    """The Spool port over `queue/`. Several processes may add; only one (`send`) sorts and removes."""

    def __init__(self, root: Path, fault: Fault = no_fault) -> None:
        self._root, self._fault = root, fault

    def ensure(self) -> None:
        for name in ("pid", "intd", "todo", "bounce", "lock"):
            (self._root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("mess", "info", "local", "remote"):
            for split in range(HASH):
                (self._root / name / str(split)).mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(self.trigger, 0o600)

    @property
    def trigger(self) -> Path:
        return self._root / "lock" / "trigger"

    # Adding

    def prepare(self, envelope: Envelope, parts: Sequence[bytes]) -> SpoolCommit:
        return SpoolCommit(self._root, envelope, parts, self._fault)

    def inject(self, envelope: Envelope, parts: Sequence[bytes]) -> None:
        commit_now(self.prepare(envelope, parts))
        self.wake_sender()

    def wake_sender(self) -> None:
        """Tell `send` there is work; without a running one nothing happens."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self.trigger, os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(descriptor, b"\0")
            finally:
                os.close(descriptor)

    # Sorting

    def waiting(self) -> list[int]:
        return sorted(int(name) for name in os.listdir(self._root / "todo") if name.isdigit())

    def sort(self, number: int, is_local: Callable[[str], bool]) -> QueuedMessage | None:
        """Split a new message's recipients by channel. None when the envelope is damaged: kept aside.

        A crash in the middle is repaired by doing it all again: todo goes last.
        """
        todo = self._root / "todo" / str(number)
        try:
            envelope = parse_todo(todo.read_bytes())
        except Refused:
            os.rename(todo, self._root / "lock" / f"damaged.{number}")
            return None
        split: dict[Channel, list[str]] = {Channel.LOCAL: [], Channel.REMOTE: []}
        for recipient in envelope.recipients:
            split[Channel.LOCAL if is_local(recipient) else Channel.REMOTE].append(recipient)
        for channel, recipients in split.items():
            path = self._path(channel.value, number)
            if recipients:
                self._write(path, channel_bytes(recipients))
            else:
                self._unlink(path)
            self._fault(f"sort.{channel.value}")
        info = self._path("info", number)
        self._write(info, b"F" + envelope.sender.encode("utf-8", "surrogateescape") + b"\0")
        self._fault("sort.info")
        self._unlink(self._root / "intd" / str(number))
        self._fault("sort.intd-removed")
        self._unlink(todo)
        self._fault("sort.todo-removed")
        return self._load(number)

    def load_all(self) -> list[tuple[QueuedMessage, dict[Channel, int]]]:
        """All sorted messages with the time each channel is due. Call after the waiting ones are sorted."""
        found: list[tuple[QueuedMessage, dict[Channel, int]]] = []
        waiting = set(self.waiting())
        for split in range(HASH):
            for name in os.listdir(self._root / "info" / str(split)):
                if not name.isdigit() or int(name) in waiting:
                    continue
                message = self._load(int(name))
                if message is None:
                    self.remove(int(name))  # the crash was after mess went: nothing is left to deliver
                else:
                    found.append((message, self._due(message)))
        return found

    def _load(self, number: int) -> QueuedMessage | None:
        if not self._path("mess", number).exists():
            return None
        info = self._path("info", number)
        sender = info.read_bytes()[1:].split(b"\0")[0].decode("utf-8", "surrogateescape")
        message = QueuedMessage(number, sender, int(info.stat().st_mtime))
        for channel in Channel:
            with contextlib.suppress(FileNotFoundError):
                message.recipients[channel] = parse_channel(self._path(channel.value, number).read_bytes())
        return message

    def _due(self, message: QueuedMessage) -> dict[Channel, int]:
        return {
            channel: int(self._path(channel.value, message.number).stat().st_mtime)
            for channel in message.recipients
        }

    # Delivering

    def read(self, number: int) -> bytes:
        return self._path("mess", number).read_bytes()

    def mark_done(self, number: int, channel: Channel, offset: int) -> None:
        path = self._path(channel.value, number)
        before = path.stat()
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, b"D", offset)
            os.utime(descriptor, ns=(before.st_atime_ns, before.st_mtime_ns))  # the time means "due"
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        self._fault("deliver.marked")

    def set_due(self, number: int, channel: Channel, due: int) -> None:
        """Kept in the channel file's time, so that a restart does not begin the schedule anew."""
        os.utime(self._path(channel.value, number), (due, due))

    def add_report(self, number: int, text: str) -> None:
        path = self._root / "bounce" / str(number)
        with open(path, "ab") as file:
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        sync_directory(path.parent)
        self._fault("bounce.reported")

    def reports(self, number: int) -> str:
        try:
            return (self._root / "bounce" / str(number)).read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def drop_reports(self, number: int) -> None:
        self._unlink(self._root / "bounce" / str(number))
        self._fault("bounce.removed")

    def remove(self, number: int) -> None:
        """Forget a message that is done: channels, info, mess; mess last."""
        for channel in Channel:
            self._unlink(self._path(channel.value, number))
            self._fault(f"remove.{channel.value}")
        self._unlink(self._path("info", number))
        self._fault("remove.info")
        self._unlink(self._path("mess", number))
        self._fault("remove.mess")

    def clean(self, now: float) -> int:
        """Remove what crashes left before a message was accepted, or after it was done; how many."""
        removed = 0
        for split in range(HASH):
            for name in os.listdir(self._root / "mess" / str(split)):
                if name.isdigit() and self._is_abandoned(int(name), now):
                    self._unlink(self._root / "intd" / name)
                    self._unlink(self._path("mess", int(name)))
                    removed += 1
        for name in os.listdir(self._root / "pid"):
            path = self._root / "pid" / name
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > ABANDONED_AFTER:
                    self._unlink(path)
                    removed += 1
        return removed

    def _is_abandoned(self, number: int, now: float) -> bool:
        if (self._root / "todo" / str(number)).exists() or self._path("info", number).exists():
            return False
        try:
            return now - self._path("mess", number).stat().st_mtime > ABANDONED_AFTER
        except FileNotFoundError:
            return False

    # Parts

    def _path(self, kind: str, number: int) -> Path:
        return self._root / kind / str(number % HASH) / str(number)

    def _write(self, path: Path, data: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        sync_directory(path.parent)

    @staticmethod
    def _unlink(path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


class SpoolCommit:
    """A message on its way into the queue; the link in `todo` is the moment of acceptance."""

    def __init__(self, root: Path, envelope: Envelope, parts: Sequence[bytes], fault: Fault) -> None:
        self._root, self._fault = root, fault
        self._todo_bytes = todo_bytes(envelope, os.getuid(), os.getpid())
        self._made: list[str] = []
        aside = str(root / "pid" / f"{os.getpid()}.{next(_sequence)}")
        self._descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._made.append(aside)
        self.number = os.fstat(self._descriptor).st_ino
        try:
            for part in parts:
                rest = memoryview(part)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self.undo()
            raise
        fault("spool.written")

    def run(self) -> Collection[str]:
        try:
            os.fsync(self._descriptor)
        finally:
            self._close()
        self._fault("spool.synced")
        mess = str(self._root / "mess" / str(self.number % HASH) / str(self.number))
        os.link(self._made[0], mess)
        self._made.append(mess)
        self._fault("spool.mess")
        os.unlink(self._made[0])
        self._fault("spool.pid-removed")
        intd = str(self._root / "intd" / str(self.number))
        self._made.append(intd)
        self._write_envelope(intd)
        sync_directory(os.path.dirname(mess))
        sync_directory(os.path.dirname(intd))
        self._fault("spool.intd")
        todo = str(self._root / "todo" / str(self.number))
        os.link(intd, todo)
        self._fault("spool.todo")
        return {os.path.dirname(todo)}

    def undo(self) -> None:
        self._close()
        for path in self._made:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _write_envelope(self, path: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(self._todo_bytes)
            file.flush()
            os.fsync(descriptor)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
