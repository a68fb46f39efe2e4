"""Header fields that tell what was found, and where a message came from and went."""

from __future__ import annotations

import re

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.content.results import SpamScore

RELAY_CLASSES = frozenset({"static", "dynamic", "auth"})
MAX_STARS = 50
WIDTH = 76

_OURS = re.compile(rb"(?:x-spam-(?:status|flag|level)|x-virus-status)[ \t]*:", re.IGNORECASE)
_SUBJECT = re.compile(rb"subject[ \t]*:[ \t]*", re.IGNORECASE)
_FIELD_START = re.compile(rb"^[^ \t\r\n]", re.MULTILINE)


# Where it came from and went


def originating_ip_field(header: bytes, ip: str, client_class: str, *, xoriginatingip: bool) -> bytes:
    """The X-Originating-IP field with its line end, or nothing.

    Only for clients that may relay, as the field tells which customer to look for; one that is there
    already (web mail names the browser's address) is left alone. `header` is the message or its start.
    """
    if not xoriginatingip or client_class not in RELAY_CLASSES or has_field(header, "X-Originating-IP"):
        return b""
    return f"X-Originating-IP: [{ip}]\n".encode("ascii", "replace")


def envelope_to_field(recipient: Address, *, xenveloptoheader: bool) -> bytes:
    """The X-Envelope-To field for one local delivery, or nothing.

    Never for copies that leave this server or that several mailboxes share: it would show a Bcc.
    """
    return f"X-Envelope-To: {recipient}\n".encode("utf-8", "replace") if xenveloptoheader else b""


# What was found


def spam_fields(score: SpamScore, *, is_spam: bool, threshold: float) -> bytes:
    """As SpamAssassin writes them, so that clients' filters know them."""
    rules = ",".join(score.rules) or "none"
    words = f"{'Yes' if is_spam else 'No'}, score={score.score:.1f} required={threshold:.1f} tests={rules}"
    fields = _folded("X-Spam-Status", words)
    if is_spam:
        fields += b"X-Spam-Flag: YES\n"
    stars = min(max(int(score.score), 0), MAX_STARS)
    if stars:
        fields += b"X-Spam-Level: " + b"*" * stars + b"\n"
    return fields


def listed_fields(*, is_spam: bool) -> bytes:
    """The recipient's own list decided."""
    if is_spam:
        return b"X-Spam-Status: Yes, sender is on the recipient's black list\nX-Spam-Flag: YES\n"
    return b"X-Spam-Status: No, sender is on the recipient's white list\n"


def spam_unscanned_field(reason: str) -> bytes:
    return _folded("X-Spam-Status", f"Unscanned, {reason}")


def infected_field(name: str) -> bytes:
    return _folded("X-Virus-Status", f"Infected, {name}")


def virus_unscanned_field(reason: str) -> bytes:
    return _folded("X-Virus-Status", f"Unscanned, {reason}")


# Reading and changing a message


def has_field(message: bytes, name: str) -> bool:
    """Is the field in the header? `name` in any case, without the colon."""
    wanted = re.compile(re.escape(name.encode("ascii")) + rb"[ \t]*:", re.IGNORECASE)
    return any(wanted.match(field) for field in _fields(message[: header_end(message)]))


def header_end(message: bytes) -> int:
    """Where the blank line after the header begins; the length if there is none."""
    if message.startswith((b"\n", b"\r\n")):
        return 0
    ends = [at + 1 for at in (message.find(b"\n\n"), message.find(b"\n\r\n")) if at >= 0]
    return min(ends, default=len(message))


def without_verdicts(message: bytes) -> bytes:
    """Without X-Spam and X-Virus fields: those of a sender must not pass for ours."""
    end = header_end(message)
    header = message[:end]
    if b"\nx-spam-" not in (low := b"\n" + header.lower()) and b"\nx-virus-" not in low:
        return message
    return b"".join(field for field in _fields(header) if not _OURS.match(field)) + message[end:]


def with_subject_tag(message: bytes, tag: str) -> bytes:
    """`tag` and a blank in front of the subject, once; a message without one gets it."""
    end = header_end(message)
    mark = tag.encode("ascii", "replace")
    fields = _fields(message[:end])
    for at, field in enumerate(fields):
        if found := _SUBJECT.match(field):
            text = field[found.end() :]
            if not text.startswith(mark):
                gap = b"" if text.startswith((b"\r", b"\n")) else b" "
                fields[at] = b"Subject: " + mark + gap + text
            return b"".join(fields) + message[end:]
    return b"Subject: " + mark + b"\n" + message


def _fields(header: bytes) -> list[bytes]:
    """Each with its continuation lines and line ends; together they are `header` again."""
    starts = [found.start() for found in _FIELD_START.finditer(header)]
    if not starts or starts[0] != 0:
        starts.insert(0, 0)
    return [header[start:stop] for start, stop in zip(starts, [*starts[1:], len(header)], strict=True)]


def _folded(name: str, text: str) -> bytes:
    """A field whose long text goes on in lines that begin with a tab, broken after a comma or a blank."""
    visible = "".join(char if 32 <= ord(char) < 127 else "_" for char in text)
    lines = [f"{name}: "]
    for word in re.findall(r"[^ ,]+[ ,]*", visible):
        if len(lines[-1]) + len(word) > WIDTH and lines != [f"{name}: "]:
            lines.append("\t")
        lines[-1] += word
    return "".join(line.rstrip(" ") + "\n" for line in lines).encode("ascii")
