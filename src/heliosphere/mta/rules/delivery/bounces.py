"""Bounce messages in qmail's own format (QSBMF), and who gets one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from heliosphere.mta.rules.headers import qmail_date

DOUBLE_BOUNCE_SENDER = "#@[]"


@dataclass(frozen=True, slots=True)
class BouncePlan:
    """Envelope of the bounce of a message. Nobody is told of a failed double bounce."""

    sender: str
    recipient: str
    is_double: bool


@dataclass(frozen=True, slots=True)
class BounceNames:
    """Who signs bounces, and who gets those that have no sender to go back to."""

    author: str
    host: str
    double_to: str


def plan_bounce(original_sender: str, names: BounceNames) -> BouncePlan | None:
    """None means: throw it away. A bounce never goes back to the null sender."""
    if original_sender == DOUBLE_BOUNCE_SENDER:
        return None
    if original_sender == "":
        to = names.double_to
        return BouncePlan(DOUBLE_BOUNCE_SENDER, to, True) if not to.startswith("@") else None
    return BouncePlan("", original_sender, False)


def report_paragraph(recipient: str, text: str) -> str:
    """One recipient's paragraph, as it is kept until the message is done."""
    name = recipient.replace("\n", "_")
    lines = [line.rstrip() or "/" for line in text.strip("\n").split("\n")]
    return f"<{name}>:\n" + "\n".join(lines) + "\n\n"


def bounce_text(
    plan: BouncePlan, original_sender: str, reports: str, original: bytes, names: BounceNames, now: datetime
) -> bytes:
    """The whole bounce message, LF line ends. Of the original only the header is given back."""
    opening = f"Hi. This is the mail system at {names.host}."
    second = "Your message could not be handed over to the addresses below."
    if plan.is_double:
        second = "A bounce could not be handed over to the addresses below."
    what = "the original bounce" if plan.is_double else "a copy of the message"
    head = (
        f"Date: {qmail_date(now)}\nFrom: {names.author}\nTo: {plan.recipient}\n"
        f"Subject: failure notice\nAuto-Submitted: auto-replied\n\n"
        f"{opening}\n{second}\n\n{reports}"
        f"--- Below this line is {what}.\n\nReturn-Path: <{original_sender}>\n"
    )
    return head.encode("utf-8", "replace") + header_of(original) + b"\n(The body is left out.)\n"


def header_of(message: bytes) -> bytes:
    end = message.find(b"\n\n")
    return message if end < 0 else message[: end + 1]
