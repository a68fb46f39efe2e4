"""The domains in a From field, as a mail reader would see them (RFC 5322, 3.4)."""

from __future__ import annotations

import re

from heliosphere.mta.rules.origin.spf.names import checked_domain

_WHITE = re.compile(r"\s+")
_SINGLE = re.compile(r"[^<>,;]*<([^<>,;]+)>[^<>,;]*", re.DOTALL)
"""`Name <address>` and nothing else, as nearly all are."""
_MARKS = re.compile(r'["(\\]')
"""Where none of them is, there is nothing to take out."""


def domains_in(value: str) -> tuple[str, ...]:
    """Distinct domains as A-labels in lower case, in order; what is no address with a domain is left out.

    An address in angle brackets counts before whatever stands around it as a display name.
    """
    found = (_domain(address) for address in _addresses(_bare(value)))
    return tuple(dict.fromkeys(domain for domain in found if domain is not None))


def _domain(address: str) -> str | None:
    local, at, domain = address.rpartition("@")
    return checked_domain(_WHITE.sub("", domain)) if at and local.strip() else None


def _addresses(bare: str) -> list[str]:
    """One for each member of the list; group names, display names and routes fall away."""
    if single := _SINGLE.fullmatch(bare):
        return [single[1].rpartition(":")[2]]
    members, opened, start = [], -1, 0
    bracketed = ""
    for at, char in enumerate(f"{bare},"):
        if char == "<" and opened < 0:
            opened = at
        elif char == ">" and opened >= 0:
            bracketed, opened = bare[opened + 1 : at], -1
        elif char in ",;" and (opened < 0 or at == len(bare)):
            member = bracketed or bare[start:at].replace("<", "")
            members.append(member.rpartition(":")[2])
            bracketed, start = "", at + 1
    return members


def _bare(value: str) -> str:
    """Without comments, which nest, and with `q` for each quoted string."""
    if not _MARKS.search(value):
        return value
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in value:
        if escaped:
            escaped = False
        elif char == "\\" and (depth or quoted):
            escaped = True
        elif quoted:
            quoted = char != '"'
        elif char == '"' and not depth:
            quoted = True
            kept.append("q")
        elif char == "(" or (char == ")" and depth):
            depth += 1 if char == "(" else -1
        elif not depth:
            kept.append(char)
    return "".join(kept)
