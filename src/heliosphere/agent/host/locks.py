"""Locks between threads and processes of this node; the kernel frees them when their holder dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heliosphere.agent.rules.errors import TryLater

_STRIPES = 64
_PAUSE = 0.02


def stripe(folder: Path, key: str) -> Path:
    """The lock file for `key`. Few files serve all keys; two keys on one file only wait for each other."""
    return folder / f"{hashlib.sha256(key.encode()).digest()[0] % _STRIPES:02d}.lock"


@contextmanager
def held(path: Path, *, patience: float) -> Iterator[None]:
    """Hold the lock at `path`; raises TryLater when another holds it longer than `patience` seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(descriptor, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TryLater("busy", "Another job is working on the same object.") from None
            time.sleep(_PAUSE)
