"""Mailbox names, passwords and quotas. Pure."""

from __future__ import annotations

import re

_LOCAL = re.compile(r"[a-z0-9](?:[a-z0-9._=+-]{0,62}[a-z0-9])?")
LARGEST_QUOTA_MB = 1_000_000
SHORTEST_PASSWORD = 10


def why_not_local_part(local: str) -> str | None:
    """A reason code when a mailbox may not be called this: "empty", "too-long" or "syntax"."""
    if not local:
        return "empty"
    if len(local) > 64:
        return "too-long"
    if not _LOCAL.fullmatch(local) or ".." in local:
        return "syntax"
    return None


def why_not_password(password: str, local: str) -> str | None:
    """A reason code: "short", "has-name" or "control"."""
    if len(password) < SHORTEST_PASSWORD:
        return "short"
    if any(ord(sign) < 32 for sign in password):
        return "control"
    return "has-name" if len(local) > 2 and local in password.lower() else None
