"""Domain names. Pure. Stored in their ASCII form (RFC 5891), shown in Unicode."""

from __future__ import annotations

import re
from functools import lru_cache

import idna
from publicsuffixlist import PublicSuffixList

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: Names under a service zone that servers and pages of the provider use.
RESERVED_LABELS = frozenset(
    {"www", "mail", "ns", "ns1", "ns2", "ns3", "ns4", "cp", "ftp", "smtp", "pop", "pop3", "imap", "webmail",
     "admin", "web", "web1", "web2", "mail1", "mail2", "mx", "api", "localhost", "autoconfig", "autodiscover"}
)  # fmt: skip


class NotADomain(ValueError):
    """The text is not a domain name; `args[0]` is a reason code."""


def ascii_domain(text: str) -> str:
    """The ASCII form of what a person typed. Raises NotADomain with empty, too-long, one-label or syntax."""
    name = text.strip().rstrip(".").lower()
    if not name:
        raise NotADomain("empty")
    try:
        name = idna.encode(name, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise NotADomain("too-long" if len(name) > 253 else "syntax") from error
    if len(name) > 253:
        raise NotADomain("too-long")
    labels = name.split(".")
    if len(labels) < 2:
        raise NotADomain("one-label")
    if not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise NotADomain("syntax")
    return name


def ascii_label(text: str) -> str:
    """One label for a third-level name. Raises NotADomain with empty, syntax or reserved."""
    label = text.strip().lower()
    if not label:
        raise NotADomain("empty")
    try:
        label = idna.encode(label, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise NotADomain("syntax") from error
    if not _LABEL.fullmatch(label):
        raise NotADomain("syntax")
    if label in RESERVED_LABELS:
        raise NotADomain("reserved")
    return label


def shown(name: str) -> str:
    """The Unicode form for people; the ASCII one where it cannot be decoded."""
    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=True)


def is_public_suffix(name: str) -> bool:
    """Whether names are registered under `name` by the public (co.uk), so that nobody can host it."""
    return bool(_suffixes().privatesuffix(name) is None)
