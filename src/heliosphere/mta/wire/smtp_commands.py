"""Command lines of SMTP, taken apart."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from heliosphere.mta.rules.addresses import Address, parse_path


@dataclass(frozen=True, slots=True)
class MailCommand:
    sender: Address
    size: int


def split_command(line: bytes) -> tuple[str, str]:
    """Verb in upper case and argument. Bytes outside ASCII come through as lone surrogates."""
    text = line.decode("ascii", "surrogateescape")
    verb, _, argument = text.partition(" ")
    return verb.upper(), argument.strip(" ")


def parse_mail(argument: str) -> MailCommand | None:
    """`FROM:<path> [SIZE=n] [BODY=…] [AUTH=…]`; None on a syntax error or an unknown parameter."""
    path = _after(argument, "FROM:")
    found = parse_path(path) if path is not None else None
    if found is None:
        return None
    sender, rest = found
    size = 0
    for parameter in rest.split():
        key, _, value = parameter.upper().partition("=")
        if key == "SIZE":
            if not (value.isascii() and value.isdigit()) or len(value) > 20:
                return None
            size = int(value)
        elif key == "BODY":
            if value not in ("7BIT", "8BITMIME"):
                return None
        elif key != "AUTH":
            return None
    return MailCommand(sender, size)


def parse_rcpt(argument: str) -> Address | None:
    """`TO:<path>`; None on a syntax error, a parameter, or the null address."""
    path = _after(argument, "TO:")
    found = parse_path(path) if path is not None else None
    if found is None or found[1] or found[0].is_null:
        return None
    return found[0]


def decode_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def split_plain(data: bytes) -> tuple[str, str] | None:
    """Name and password of AUTH PLAIN (RFC 4616). Acting for somebody else is not possible here."""
    parts = data.split(b"\0")
    if len(parts) != 3 or not parts[1] or not parts[2]:
        return None
    if parts[0] not in (b"", parts[1]):
        return None
    return as_text(parts[1]), as_text(parts[2])


def as_text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _after(argument: str, start: str) -> str | None:
    return argument[len(start) :] if argument[: len(start)].upper() == start else None
