"""Envelope addresses: the path of MAIL and RCPT (RFC 5321, 4.1.2), read leniently where qmail does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_BYTES = 900
_DOT_STRING = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+\Z")


@dataclass(frozen=True, slots=True)
class Address:
    """`local` as the client wrote it, without quotes; `domain` in lower case, empty when there is none.

    `raw` is the whole as it came, for lists of patterns, in which case counts.
    """

    local: str
    domain: str
    raw: str = field(default="", compare=False, repr=False)

    @property
    def written(self) -> str:
        """The address as the client wrote it, without the quotes of a local part, which say nothing, and
        with A-labels for a domain in other letters."""
        if not self.raw or not self.domain:
            return self.local
        domain = self.raw.rpartition("@")[2]
        return f"{self.local}@{domain if domain.isascii() else self.domain}"

    @property
    def is_ascii(self) -> bool:
        """Can it be said without SMTPUTF8? What the client wrote counts, not the domain's A-labels."""
        return self.raw.isascii() and self.local.isascii()

    @property
    def is_null(self) -> bool:
        return not self.local and not self.domain

    def __str__(self) -> str:
        if self.is_null:
            return ""
        local = self.local
        if not _DOT_STRING.match(local):
            local = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{local}@{self.domain}" if self.domain else local


NULL_SENDER = Address("", "")


def parse_path(argument: str) -> tuple[Address, str] | None:
    """Split `<path> parameters` into the address and the rest; None when there is no address to see.

    Brackets may be missing, a source route before a colon is dropped, `<>` is the null sender.
    """
    argument = argument.lstrip(" ")
    inside, rest = _bracketed(argument) if argument.startswith("<") else _bare(argument)
    if inside is None or len(inside) > MAX_BYTES or not _is_printable(inside):
        return None
    if inside.startswith("@"):
        inside = inside.partition(":")[2]
    address = parse_address(inside)
    return (address, rest.strip(" ")) if address is not None else None


def parse_address(text: str) -> Address | None:
    """An address without brackets; the empty text is the null sender. None for a malformed one."""
    if text == "":
        return NULL_SENDER
    if not _is_printable(text) or len(text) > MAX_BYTES:
        return None
    if text.startswith('"'):
        return _quoted(text)
    local, at, domain = text.rpartition("@")
    if not at:
        local, domain = text, ""
    if not local or '"' in text or " " in text or "<" in text or ">" in text or (at and not domain):
        return None
    host = _ascii_domain(domain)
    return Address(local, host, text) if host is not None else None


def _quoted(text: str) -> Address | None:
    local: list[str] = []
    at = 1
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 1
        local.append(text[at : at + 1])
        at += 1
    rest = text[at + 1 :]
    if at >= len(text) or (rest and not rest.startswith("@")) or rest == "@" or not local:
        return None
    domain = _ascii_domain(rest[1:])
    if domain is None or any(char in domain for char in '@ "<>'):
        return None
    return Address("".join(local), domain, text)


def _bracketed(argument: str) -> tuple[str | None, str]:
    quoted = False
    at = 1
    while at < len(argument):
        char = argument[at]
        if char == "\\" and quoted:
            at += 1
        elif char == '"':
            quoted = not quoted
        elif char == ">" and not quoted:
            return argument[1:at], argument[at + 1 :]
        at += 1
    return None, ""


def _bare(argument: str) -> tuple[str | None, str]:
    inside, _, rest = argument.partition(" ")
    return (inside or None), rest


def _is_printable(text: str) -> bool:
    """No control characters, and no bytes that were not UTF-8 (they come as lone surrogates)."""
    if text.isascii():
        return text.isprintable()
    return all(32 <= ord(char) != 127 and not 0xD800 <= ord(char) <= 0xDFFF for char in text)


def _ascii_domain(domain: str) -> str | None:
    """The domain as the DNS and the lists know it: lower case, A-labels (RFC 5890); None for a bad one."""
    if domain.isascii():
        return domain.lower()
    import idna  # large tables that most sessions never need

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None
