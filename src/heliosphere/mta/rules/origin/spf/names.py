"""Which texts are domain names that can be asked for (RFC 7208, 4.3)."""

from __future__ import annotations

import re

import idna

MAX_NAME = 253
_LABEL = re.compile(r"[ -\-/-\[\]-~]{1,63}")
"""Printable ASCII but for the dot and the backslash, which starts an escape in zone files."""
TOP_LABEL = re.compile(r"(?=[0-9A-Za-z-]*[A-Za-z-])[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?")


def checked_domain(domain: str) -> str | None:
    """The domain in lower case as A-labels, without final dot; None if no policy can be published for it:
    one label only, an empty or long label, an address literal, or no IDNA name."""
    name = ascii_domain(domain.removesuffix("."))
    if name is None or "." not in name or askable(name) is None:
        return None
    return name if TOP_LABEL.fullmatch(name.rpartition(".")[2]) else None


def ascii_domain(domain: str) -> str | None:
    """U-labels turned to A-labels; None when that cannot be done."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError, IndexError):
        return None


def askable(name: str) -> str | None:
    """`name` in lower case if the DNS can hold such a name, else None."""
    lower = name.removesuffix(".").lower()
    if not lower or len(lower) > MAX_NAME:
        return None
    return lower if all(_LABEL.fullmatch(label) for label in lower.split(".")) else None


def unicode_text(text: str) -> str:
    """Bytes that came as latin-1 characters, read as UTF-8 where they are that (RFC 6532, RFC 8616)."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
