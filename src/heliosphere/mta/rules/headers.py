"""Header fields the engine adds, and the loop check that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

MAX_HOPS = 100
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Hop:
    """How a message came in. `info` is the login of a user who signed in."""

    ip: str
    helo: str
    protocol: str
    by: str
    info: str = ""


def qmail_date(now: datetime) -> str:
    """`7 Mar 2024 04:05:06 -0000`"""
    utc = now.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year} {utc:%H:%M:%S} -0000"


def received_field(hop: Hop, now: datetime) -> bytes:
    """The Received field, with its line end."""
    who = f"{hop.info}@{hop.ip}" if hop.info else hop.ip
    helo = _visible(hop.helo) or "nothing"
    text = f"Received: from unknown (HELO {helo}) ({_visible(who)})\n"
    text += f"  by {hop.by} with {hop.protocol}; {qmail_date(now)}\n"
    return text.encode("ascii", "replace")


def delivery_fields(sender: str, recipient: str | None) -> bytes:
    """What stands on top of a message in a mailbox. One file shared by several has no Delivered-To."""
    text = f"Return-Path: <{sender}>\n"
    if recipient is not None:
        text += f"Delivered-To: {recipient}\n"
    return text.encode("ascii", "replace")


def count_hops(message: bytes) -> int:
    """Received and Delivered-To fields in the header."""
    end = message.find(b"\n\n")
    header = b"\n" + (message if end < 0 else message[:end]).lower()
    return header.count(b"\nreceived:") + header.count(b"\ndelivered-to:")


def _visible(text: str) -> str:
    return "".join(char if 32 < ord(char) < 127 and char not in "()\\" else "_" for char in text)[:255]
