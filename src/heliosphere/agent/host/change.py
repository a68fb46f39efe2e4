"""Staged changes of files, each noted before it is made, so that a crash at any point can be put right.

A change is a folder under `root`: `notes.json` (what was there, oldest first), the saved old files, a
lock held while its process lives, and `kept` once the service's own checker accepted the new files.
At the next start a change that is `kept` is finished, any other is undone, newest file first.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from heliosphere.agent.host.files import delete, sync_folder, write_whole

Checkpoint = Callable[[str], None]


class HostChange:
    """Use: `replace`/`remove` files, check, `keep()`, make the service read them, `finish()`; or `undo()`."""

    def __init__(self, folder: Path, lock: int, checkpoint: Checkpoint) -> None:
        self._folder = folder
        self._lock = lock
        self._checkpoint = checkpoint
        self._notes: list[dict[str, str | int | None]] = []

    def replace(self, path: Path, content: bytes, *, mode: int = 0o644) -> None:
        self._note(path)
        write_whole(path, content, mode=mode)
        self._checkpoint("file-written")

    def remove(self, path: Path) -> None:
        self._note(path)
        delete(path)
        self._checkpoint("file-removed")

    def keep(self) -> None:
        """The new files are good: from here on a crash leads forward."""
        write_whole(self._folder / "kept", b"")
        self._checkpoint("change-kept")

    def finish(self) -> None:
        _discard(self._folder)
        os.close(self._lock)

    def undo(self) -> None:
        """Put every file back as it was and forget the change."""
        _put_back(self._folder)
        self.finish()

    def _note(self, path: Path) -> None:
        saved = None
        mode = 0o644
        if path.exists():
            saved = f"{len(self._notes)}.old"
            mode = path.stat().st_mode & 0o7777
            write_whole(self._folder / saved, path.read_bytes(), mode=0o600)
        self._notes.append({"path": str(path), "saved": saved, "mode": mode})
        write_whole(self._folder / "notes.json", json.dumps(self._notes).encode(), mode=0o600)
        self._checkpoint("file-noted")


def begin(root: Path, checkpoint: Checkpoint) -> HostChange:
    """Open a new change under `root`."""
    folder = root / secrets.token_hex(8)
    folder.mkdir(parents=True, mode=0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return HostChange(folder, lock, checkpoint)


def settle_interrupted(root: Path) -> list[Literal["finished", "undone"]]:
    """Finish or undo every change whose process died; those of living processes are left alone."""
    settled: list[Literal["finished", "undone"]] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            settled.append(_settle(folder))
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
    return settled


def _settle(folder: Path) -> Literal["finished", "undone"]:
    kept = (folder / "kept").exists()
    if not kept:
        _put_back(folder)
    _discard(folder)
    return "finished" if kept else "undone"


def _put_back(folder: Path) -> None:
    notes = folder / "notes.json"
    if not notes.exists():
        return
    for note in reversed(json.loads(notes.read_text())):
        path = Path(note["path"])
        if note["saved"] is None:
            delete(path)
        else:
            write_whole(path, (folder / note["saved"]).read_bytes(), mode=note["mode"])


def _discard(folder: Path) -> None:
    """Take the notes first: a folder without notes has nothing to undo, however little of it is left."""
    delete(folder / "notes.json")
    shutil.rmtree(folder, ignore_errors=True)
    sync_folder(folder.parent)
