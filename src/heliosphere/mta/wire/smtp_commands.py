"""Command lines of SMTP, taken apart."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace

from heliosphere.mta.rules.addresses import Address, parse_path


@dataclass(frozen=True, slots=True)
class MailCommand:
    """`utf8`: SMTPUTF8 was asked for. `is_8bit`: BODY=8BITMIME."""

    sender: Address
    size: int = 0
    is_8bit: bool = False
    utf8: bool = False


def split_command(line: bytes) -> tuple[str, str]:
    """Verb in upper case and argument. Bytes that are no UTF-8 come through as lone surrogates."""
    text = line.decode("utf-8", "surrogateescape")
    verb, _, argument = text.partition(" ")
    return verb.upper(), argument.strip(" ")


def parse_mail(argument: str) -> MailCommand | None:
    """`FROM:<path> [SIZE=n] [BODY=…] [AUTH=…] [SMTPUTF8]`; None on a syntax error or an unknown parameter."""
    path = _after(argument, "FROM:")
    found = parse_path(path) if path is not None else None
    if found is None:
        return None
    sender, rest = found
    command = MailCommand(sender)
    for parameter in rest.split():
        key, _, value = parameter.upper().partition("=")
        if key == "SIZE":
            if not (value.isascii() and value.isdigit()) or len(value) > 20:
                return None
            command = replace(command, size=int(value))
        elif key == "BODY":
            if value not in ("7BIT", "8BITMIME"):
                return None
            command = replace(command, is_8bit=value == "8BITMIME")
        elif key == "SMTPUTF8" and not value:
            command = replace(command, utf8=True)
        elif key != "AUTH":
            return None
    return command


def parse_bdat(argument: str) -> tuple[int, bool] | None:
    """`SIZE [LAST]`; None on a syntax error."""
    words = argument.upper().split()
    if not words or len(words) > 2 or words[1:] not in ([], ["LAST"]):
        return None
    size = words[0]
    if not (size.isascii() and size.isdigit()) or len(size) > 12:
        return None
    return int(size), len(words) == 2


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
