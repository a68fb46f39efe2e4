"""A message as signatures see it: header fields and body, with their canonical forms (RFC 6376, 3.4)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Canonical = Literal["simple", "relaxed"]

MAX_HEADER = 1 << 20
"""Bytes. Every signature goes over the header anew: a larger one is an attack, not a letter."""

_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_BLANKS = re.compile(rb"[ \t]+")


@dataclass(frozen=True, slots=True)
class Field:
    """`raw` is the whole field with its folds, line ends CRLF, and the last CRLF. `name` is in lower case,
    empty for a line that is no field."""

    name: str
    raw: bytes

    @property
    def value(self) -> str:
        """Unfolded; bytes as latin-1 characters."""
        return self.raw.partition(b":")[2].replace(b"\r\n", b"").decode("latin-1")

    def relaxed(self) -> bytes:
        return relaxed_field(self.raw)

    def canonical(self, how: Canonical) -> bytes:
        return self.raw if how == "simple" else relaxed_field(self.raw)


_SIGNATURE = re.compile(rb"^(?:dkim-signature|arc-[a-z-]+)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_IDENTITY = re.compile(
    rb"^(?:from|date|message-id)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?", re.IGNORECASE | re.MULTILINE
)


def as_signed(message: bytes) -> SignedMessage:
    """The message, or of one without signatures only the fields that say whose it is: most mail is
    unsigned, and need not be taken apart."""
    header = _header(message)
    if _SIGNATURE.search(header):
        return SignedMessage(message)
    return SignedMessage(b"".join(_IDENTITY.findall(header)) + b"\r\n", is_signed=False)


def _header(message: bytes) -> bytes:
    """Up to the first empty line, whatever the line ends."""
    if message.startswith((b"\n", b"\r\n")):
        return b""
    ends = [at for at in (message.find(b"\n\n"), message.find(b"\n\r\n")) if at >= 0]
    return message[: min(ends) + 1] if ends else message


def relaxed_field(raw: bytes) -> bytes:
    """Name in lower case, unfolded, blanks in one, none around the value (3.4.2)."""
    name, _, value = raw.partition(b":")
    text = _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + text + b"\r\n"


class SignedMessage:
    """Takes messages with CRLF or LF line ends; both are verified as CRLF. `is_signed`: False if it is
    known to hold no signature."""

    def __init__(self, message: bytes, *, is_signed: bool = True) -> None:
        self.is_signed = is_signed
        header, body = _divided(message)
        self.header_size = len(header)
        self.fields = tuple(_fields(header))
        self._body = body
        self._canonical: dict[Canonical, bytes] = {}
        self._hashes: dict[tuple[Canonical, int | None], bytes] = {}

    @cached_property
    def by_name(self) -> dict[str, list[Field]]:
        """From the top down."""
        found: dict[str, list[Field]] = {}
        for field in self.fields:
            found.setdefault(field.name, []).append(field)
        return found

    def named(self, name: str) -> list[Field]:
        return self.by_name.get(name, [])

    def selected(self, names: Iterable[str]) -> list[Field]:
        """The fields that `h=` means: of several with a name the lowest first, absent ones as nothing
        (RFC 6376, 5.4.2)."""
        left = {name: list(self.named(name)) for name in set(names)}
        return [left[name].pop() for name in names if left[name]]

    def body_length(self, how: Canonical) -> int:
        return len(self._body_as(how))

    def body_hash(self, how: Canonical, length: int | None) -> bytes:
        """SHA-256 of the canonical body, or of its first `length` bytes. Each is computed once."""
        key = how, length
        if key not in self._hashes:
            body = memoryview(self._body_as(how))
            self._hashes[key] = hashlib.sha256(body if length is None else body[:length]).digest()
        return self._hashes[key]

    def _body_as(self, how: Canonical) -> bytes:
        if how not in self._canonical:
            self._canonical[how] = _simple_body(self._body) if how == "simple" else _relaxed_body(self._body)
        return self._canonical[how]


def _divided(message: bytes) -> tuple[bytes, bytes]:
    """Header with its last line end, and body; line ends are CRLF in both."""
    if message.count(b"\n") != message.count(b"\r\n"):
        message = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if message.startswith(b"\r\n"):
        return b"", message[2:]
    header, found, body = message.partition(b"\r\n\r\n")
    return header + b"\r\n" if found or not header.endswith(b"\r\n") else header, body


def _fields(header: bytes) -> Iterable[Field]:
    lines: list[bytes] = []
    for line in header.split(b"\r\n")[:-1]:
        if lines and line[:1] not in (b" ", b"\t"):
            yield _field(lines)
            lines = []
        lines.append(line)
    if lines:
        yield _field(lines)


def _field(lines: list[bytes]) -> Field:
    name = _NAME.match(lines[0])
    return Field(name[1].decode("ascii").lower() if name else "", b"\r\n".join(lines) + b"\r\n")


def _simple_body(body: bytes) -> bytes:
    """Without empty lines at the end; an empty body is one CRLF (3.4.3)."""
    return _without_empty_end(body) or b"\r\n"


def _relaxed_body(body: bytes) -> bytes:
    """Blanks in one, none at line ends, no empty lines at the end (3.4.4). Halving the runs again and again
    is many times faster than an expression for large bodies."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    return _without_empty_end(body.replace(b" \r\n", b"\r\n").removesuffix(b" "))


def _without_empty_end(body: bytes) -> bytes:
    """No more than one line end at the end. A CR without LF is content like any other."""
    if not body.endswith(b"\r\n"):
        return body + b"\r\n" if body else b""
    end = len(body.rstrip(b"\r\n"))
    lone = body.rfind(b"\r\r", end)
    end = end if lone < 0 else lone + 1
    return body[:end] + b"\r\n" if end else b""
