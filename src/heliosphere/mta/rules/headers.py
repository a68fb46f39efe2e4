"""Header fields the engine adds, and the loop check that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

MAX_HOPS = 100
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Hop:
    """How a message came in. `info` is the login of a user who signed in; `host` the client's name in the
    DNS where it was looked up."""

    ip: str
    helo: str
    protocol: str
    by: str
    info: str = ""
    host: str = ""


def qmail_date(now: datetime, *, local: bool = False) -> str:
    """`7 Mar 2024 04:05:06 -0000`; with `local` (control localtime) in the machine's time zone and its
    offset."""
    there = now.astimezone() if local else now.astimezone(UTC)
    zone = f"{there:%z}" if local else "-0000"
    return f"{there.day} {_MONTHS[there.month - 1]} {there.year} {there:%H:%M:%S} {zone}"


def received_field(hop: Hop, now: datetime, *, local: bool = False) -> bytes:
    """The Received field, with its line end. The greeting stands apart only where it is not the name."""
    who = f"{hop.info}@{hop.ip}" if hop.info else hop.ip
    helo = _visible(hop.helo) or "nothing"
    host = _visible(hop.host) or "unknown"
    greeting = "" if helo.lower() == host else f"(HELO {helo}) "
    text = f"Received: from {host} {greeting}({_visible(who)})\n"
    text += f"  by {hop.by} with {hop.protocol}; {qmail_date(now, local=local)}\n"
    return text.encode("utf-8", "replace")


def delivery_fields(sender: str, recipient: str | None) -> bytes:
    """What stands on top of a message in a mailbox. One file shared by several has no Delivered-To."""
    text = f"Return-Path: <{sender}>\n"
    if recipient is not None:
        text += f"Delivered-To: {recipient}\n"
    return text.encode("utf-8", "replace")


def count_hops(message: bytes) -> int:
    """Received and Delivered-To fields in the header."""
    end = message.find(b"\n\n")
    header = b"\n" + (message if end < 0 else message[:end]).lower()
    return header.count(b"\nreceived:") + header.count(b"\ndelivered-to:")


def _visible(text: str) -> str:
    return "".join(char if 32 < ord(char) < 127 and char not in "()\\" else "_" for char in text)[:255]
