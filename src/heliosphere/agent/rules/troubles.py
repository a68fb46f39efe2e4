"""What went wrong, judged: refused, try later, or a bug of ours."""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import dataclass

from heliosphere.agent.rules.errors import Cancelled, Refused, TryLater
from heliosphere.contracts.jobs import JobStatus

_DISK = {
    errno.ENOSPC: ("disk_full", "The disk of the node is full.", "Make room on the node's disk."),
    errno.EDQUOT: ("disk_quota", "The node's user is over its disk quota.", "Raise the quota or make room."),
    errno.EROFS: (
        "disk_read_only",
        "The node's disk is read-only.",
        "Look at the node's disk: dmesg, mount.",
    ),
}
_MISSING_RIGHTS = {errno.EACCES, errno.EPERM}


@dataclass(frozen=True, slots=True)
class Verdict:
    status: JobStatus
    code: str
    message: str
    advice: str = ""


def judge(error: Exception) -> Verdict | None:
    """None: nothing the world or a person did; it is a bug."""
    match error:
        case Refused():
            return Verdict("refused", error.code, error.message, error.advice)
        case TryLater():
            return Verdict("try_later", error.code, error.message, error.advice)
        case Cancelled():
            return Verdict("cancelled", "cancelled", "Taken back before anything was changed.")
        case ConnectionError() | TimeoutError():
            return Verdict("try_later", "service_down", f"A service of the node does not answer: {error}.")
        case OSError() if error.errno in _DISK:
            return Verdict("try_later", *_DISK[error.errno])
        case OSError() if error.errno in _MISSING_RIGHTS:
            where = error.filename or "a file"
            return Verdict(
                "refused",
                "no_rights",
                f"The agent may not change {where}.",
                "Give its user the rights, then retry.",
            )
        case sqlite3.OperationalError():
            return Verdict(
                "try_later", "journal_busy", f"The agent's own journal cannot be written: {error}."
            )
    return None
