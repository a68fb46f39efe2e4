"""Which names a mail domain and a mailbox may have: vpopmail's rules, stricter where they were unsafe."""

from __future__ import annotations

import re

MAX_USER = 64
MIN_DOMAIN, MAX_DOMAIN = 3, 96

_USER_BYTES = frozenset(
    chr(n)
    for n in (33, 35, 36, 38, 39, 42, 43, 45, 46, *range(48, 58), 61, 63, *range(65, 91), *range(94, 127))
)
_RESERVED = frozenset({"vpasswd", "vpasswd.cdb", "lastauth"})
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


def why_not_domain(name: str) -> str | None:
    """Say why `name` cannot be a mail domain; None means it can. Case does not matter.

    Stricter than vpopmail, which takes some names with empty labels or a dash at an edge.
    """
    name = name.lower()
    if not MIN_DOMAIN <= len(name) <= MAX_DOMAIN:
        return f"a domain name has {MIN_DOMAIN} to {MAX_DOMAIN} characters"
    labels = name.split(".")
    if len(labels) < 2:
        return "a domain name has at least one dot"
    for label in labels:
        if not _LABEL.match(label):
            return f"the part {label!r} may only hold letters, digits and inner dashes"
    if len(labels[-1]) < 2 or labels[-1].isdigit():
        return "the last part of a domain name has at least two characters and is not a number"
    return None


def why_not_user(name: str) -> str | None:
    """Say why `name` cannot be a mailbox name; None means it can. Case does not matter.

    The slash of vpopmail's own list and a leading dot are refused: the name becomes a directory.
    """
    if not name:
        return "a mailbox name is needed before the @"
    if len(name) > MAX_USER:
        return f"a mailbox name has at most {MAX_USER} characters"
    for char in name:
        if char not in _USER_BYTES:
            return f"the character {char!r} cannot be part of a mailbox name"
    if name.startswith("."):
        return "a mailbox name does not start with a dot"
    if name.lower() in _RESERVED:
        return f"the name {name} is used by the mail system itself"
    return None
