"""Answers of mail servers as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from heliosphere.contracts.mail_server import Changed, SessionsFound, SessionTold, VerdictChange
from heliosphere.panel.mail.server import stories
from heliosphere.panel.mail.server.stories import Chapter


@dataclass(frozen=True, slots=True)
class SessionRow:
    at: datetime
    url: str
    client: str
    sender: str
    recipients: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    at: datetime
    client: str
    sender: str
    recipient: str
    was: tuple[str, str]
    becomes: tuple[str, str]
    why: str


def session_rows(found: SessionsFound, server_id: int, url_name: str) -> list[SessionRow]:
    return [_row(one, reverse(url_name, args=[server_id, one.number])) for one in found.sessions]


def _row(told: SessionTold, url: str) -> SessionRow:
    reasons = [told.why, *(one.why for one in told.recipients)]
    return SessionRow(
        moment(told.at),
        url,
        client(told.ip, told.host),
        sender(told.sender),
        ", ".join(one.address for one in told.recipients) or "–",
        state_of(told),
        "; ".join(dict.fromkeys(reason for reason in reasons if reason)),
    )


def state_of(told: SessionTold) -> str:
    """The whole verdict of a session, from its answers."""
    states = [stories.state_of(one.reply) for one in told.recipients]
    last = stories.state_of(told.reply)
    refused = [state for state in states if state in ("refused", "deferred", "hung-up")]
    if not refused:
        return last or "accepted"
    return refused[0] if len(refused) == len(states) else "part"


def change_rows(found: Changed) -> list[ChangeRow]:
    return [_change(one) for one in found.changes]


def _change(one: VerdictChange) -> ChangeRow:
    return ChangeRow(
        moment(one.at),
        one.ip,
        sender(one.sender),
        one.recipient or _("all"),
        (stories.state_of(one.was), one.was),
        (stories.state_of(one.becomes), one.becomes),
        one.why,
    )


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def client(ip: str, host: str) -> str:
    return f"{ip} ({host})" if host and host != "unknown" else ip


def sender(address: str | None) -> str:
    """The null sender in words."""
    if address is None:
        return "–"
    return address or _("(a bounce)")


def decided_by(chapters: list[Chapter]) -> str:
    """The control line that decided first, as text."""
    for chapter in chapters:
        check = chapter.decided
        if check is not None and check.entry:
            return _("%(control)s, line %(line)d: %(entry)s") % {
                "control": check.control, "line": check.line, "entry": check.entry,
            }  # fmt: skip
        if check is not None:
            return check.control or check.check
    return ""
