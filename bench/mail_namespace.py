"""Run a program that sees some files and directories of ours in the place of the machine's.

python bench/mail_namespace.py SOURCE:PLACE … -- PROGRAM ARGUMENT …

Programs with built-in paths and accounts (Exim, OpenSMTPD) run this way without being installed. Each PLACE
must exist. Wants root; what is put in place is seen by PROGRAM and its children alone.
"""

from __future__ import annotations

import ctypes
import os
import sys

_NEW_MOUNTS, _BIND, _RECURSIVE, _PRIVATE = 0x20000, 4096, 16384, 1 << 18
"""CLONE_NEWNS of clone(2); MS_BIND, MS_REC, MS_PRIVATE of mount(2)."""


def main(arguments: list[str]) -> None:
    """Does not return: PROGRAM takes over this process."""
    at = arguments.index("--")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS):
        _fail("a mount namespace of its own (run as root)")
    _mount(libc, b"none", b"/", _RECURSIVE | _PRIVATE)
    for pair in arguments[:at]:
        source, _, place = pair.partition(":")
        _mount(libc, os.fsencode(source), os.fsencode(place), _BIND)
    os.execv(arguments[at + 1], arguments[at + 1 :])


def _mount(libc: ctypes.CDLL, source: bytes, place: bytes, how: int) -> None:
    if libc.mount(source, place, None, ctypes.c_ulong(how), None):
        _fail(f"{source!r} at {place!r}")


def _fail(what: str) -> None:
    raise SystemExit(f"cannot have {what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main(sys.argv[1:])
