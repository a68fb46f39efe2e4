"""Replace files so that a reader, or a crash, meets the old content or the new one, never a part."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from pathlib import Path

_counter = itertools.count()


def write_atomic(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write aside, fsync, rename over `path`, fsync the directory.

    `mode` None keeps the mode of the file that is there, 0600 for a new one.
    """
    if mode is None:
        mode = _mode_of(path)
    aside = path.parent / f".{path.name}.tmp.{os.getpid()}.{next(_counter)}"
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)
        os.rename(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path | str) -> None:
    """Make the names in `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_file(path: Path) -> bool:
    """Remove durably; False when it was not there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    sync_directory(path.parent)
    return True


def read_or_none(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def file_stamp(path: Path | str) -> tuple[int, int, int] | None:
    """What changes when the file is replaced or edited; None when it is absent."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _mode_of(path: Path) -> int:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return 0o600
