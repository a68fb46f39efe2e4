"""One writer at a time per file tree, across threads and processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

_threads: dict[str, threading.RLock] = {}
_held: dict[str, int] = {}
_registry = threading.Lock()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; may be nested in one thread.

    fcntl locks belong to the process, so a thread lock stands in front of them. They are the kind
    vpopmail's own tools take, and they vanish with a killed process.
    """
    key = str(path)
    with _registry:
        gate = _threads.setdefault(key, threading.RLock())
    with gate:
        if _held.get(key):
            yield
            return
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
            _held[key] = 1
            yield
        finally:
            _held.pop(key, None)
            os.close(descriptor)
