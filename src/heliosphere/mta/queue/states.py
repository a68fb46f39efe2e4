"""The queue's envelope files and the life of a message in it. docs/mta/queue.md is the table behind this."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from heliosphere.mta.rules.errors import Refused

HASH = 23
"""Directories below mess, info, local and remote (qmail's conf-split)."""
MAX_RECIPIENT = 1003


class Channel(Enum):
    LOCAL = "local"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is queued with a message."""

    sender: str
    recipients: tuple[str, ...]


@dataclass(slots=True)
class QueuedRecipient:
    """`offset` is where its `T` stands in the channel's file; a `D` there means done."""

    address: str
    offset: int
    is_done: bool = False


@dataclass(slots=True)
class QueuedMessage:
    """A sorted message. `birth` is when it was sorted, seconds of the epoch."""

    number: int
    sender: str
    birth: int
    recipients: dict[Channel, list[QueuedRecipient]] = field(default_factory=dict)

    def undone(self, channel: Channel) -> list[QueuedRecipient]:
        return [one for one in self.recipients.get(channel, []) if not one.is_done]

    @property
    def is_done(self) -> bool:
        return not any(self.undone(channel) for channel in Channel)


def todo_bytes(envelope: Envelope, uid: int, pid: int) -> bytes:
    """`u…\\0p…\\0F<sender>\\0T<recipient>\\0…`. Raises Refused for an address that cannot be kept."""
    for address in (envelope.sender, *envelope.recipients):
        if "\0" in address or len(address.encode()) > MAX_RECIPIENT:
            raise Refused("address-too-long", "an address is too long for the queue")
    parts = [f"u{uid}", f"p{pid}", f"F{envelope.sender}", *(f"T{one}" for one in envelope.recipients)]
    return b"".join(part.encode() + b"\0" for part in parts)


def parse_todo(data: bytes) -> Envelope:
    """Raises Refused for a file that is not whole."""
    sender: str | None = None
    recipients: list[str] = []
    if not data.endswith(b"\0"):
        raise Refused("bad-envelope", "an envelope file is cut short")
    for part in data.split(b"\0")[:-1]:
        kind, value = part[:1], part[1:].decode("utf-8", "surrogateescape")
        if kind == b"F":
            sender = value
        elif kind == b"T":
            recipients.append(value)
        elif kind not in (b"u", b"p"):
            raise Refused("bad-envelope", "an envelope file holds an unknown field")
    if sender is None:
        raise Refused("bad-envelope", "an envelope file names no sender")
    return Envelope(sender, tuple(recipients))


def channel_bytes(recipients: list[str]) -> bytes:
    return b"".join(b"T" + one.encode("utf-8", "surrogateescape") + b"\0" for one in recipients)


def parse_channel(data: bytes) -> list[QueuedRecipient]:
    """Recipients of a local or remote file with the place of their mark."""
    found: list[QueuedRecipient] = []
    offset = 0
    for part in data.split(b"\0")[:-1]:
        if part[:1] in (b"T", b"D"):
            address = part[1:].decode("utf-8", "surrogateescape")
            found.append(QueuedRecipient(address, offset, part[:1] == b"D"))
        offset += len(part) + 1
    return found
