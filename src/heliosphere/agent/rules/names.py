"""Which names may become file names, configuration words or DNS names. Each returns a reason or None."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_OWNER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def why_not_host_name(name: str) -> str | None:
    """A host name in lower case ASCII (IDN already as A-labels), no final dot (RFC 1123, section 2.1)."""
    if not name or len(name) > 253:
        return "a host name has 1 to 253 characters"
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        return "a host name has labels of a-z, 0-9 and hyphens, joined by dots"
    return None


def why_not_owner(name: str) -> str | None:
    """An account's folder name: nothing that could climb out of the folder it is put in."""
    if not _OWNER.fullmatch(name) or ".." in name:
        return (
            "a folder name has 1 to 64 of a-z, 0-9, dot, hyphen, underscore and starts with a letter or digit"
        )
    return None


def why_not_zone_name(name: str) -> str | None:
    """A zone name without final dot; like a host name, and underscores or a single label are allowed."""
    return why_not_host_name(name)
