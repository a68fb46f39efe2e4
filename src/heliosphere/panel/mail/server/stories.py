"""An explanation or a recorded session as chapters: one a command, each with its checks in order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from heliosphere.contracts.mail_server import CheckFound, Explanation, SessionTold, VerbTold


@dataclass(frozen=True, slots=True)
class Chapter:
    """One command. `state` is accepted, deferred, refused, hung-up, or empty where nothing was answered.

    `checks` leaves out those that are switched off; their names are in `off`.
    """

    said: str
    state: str
    replies: tuple[str, ...]
    checks: tuple[CheckFound, ...]
    off: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def decided(self) -> CheckFound | None:
        """The check that refused."""
        return next((one for one in self.checks if one.verdict == "refused"), None)


def chapters_of(explanation: Explanation) -> list[Chapter]:
    return [_chapter(one) for one in explanation.stories]


def _chapter(told: VerbTold) -> Chapter:
    state = state_of(told.replies[-1] if told.replies else "", closed=told.closed)
    return _make(told.said, state, told.replies, told.checks, told.facts)


def chapters_of_session(session: SessionTold) -> list[Chapter]:
    """The trace in the order it was written, commands told apart by verb and address."""
    replies = {one.address: one.reply for one in session.recipients}
    found: list[Chapter] = []
    for verb, about, checks in _grouped(session):
        reply = replies.pop(about, "") if verb == "RCPT" else ""
        found.append(_make(_said(session, verb, about), _state(verb, reply), _one(reply), checks))
    had_data = any(verb == "DATA" for verb, _, _ in session.trace)
    if had_data or any(state_of(one.reply) == "accepted" for one in session.recipients) or not found:
        last = found[-1] if found and found[-1].said == "DATA" else None
        ended = _make("DATA", state_of(session.reply), _one(session.reply), last.checks if last else ())
        found = [*(found[:-1] if last else found), ended]
    elif not session.recipients:
        last = found[-1]
        found[-1] = Chapter(last.said, state_of(session.reply), _one(session.reply), last.checks, last.off)
    return found


def summary(chapters: Iterable[Chapter]) -> str:
    """accepted, part (some recipients were refused), deferred, refused or hung-up."""
    told = list(chapters)
    if any(one.state == "hung-up" for one in told):
        return "hung-up"
    recipients = [one.state for one in told if one.said.startswith("RCPT")]
    others = [one.state for one in told if not one.said.startswith("RCPT")]
    for state in ("refused", "deferred"):
        if state in others:
            return state
    wrong = [state for state in recipients if state in ("refused", "deferred")]
    if not wrong:
        return "accepted"
    return "part" if len(wrong) < len(recipients) else wrong[0]


def state_of(reply: str, *, closed: bool = False) -> str:
    """What an answer means."""
    states = {"2": "accepted", "3": "accepted", "4": "deferred", "5": "refused"}
    if reply[:1] in states:
        return states[reply[:1]]
    return "hung-up" if closed or reply.startswith("(") else ""


def _state(verb: str, reply: str) -> str:
    return state_of(reply) if verb == "RCPT" else ""


def _one(reply: str) -> tuple[str, ...]:
    return (reply,) if reply else ()


def _grouped(session: SessionTold) -> list[tuple[str, str, tuple[CheckFound, ...]]]:
    found: list[tuple[str, str, list[CheckFound]]] = []
    for verb, about, check in session.trace:
        if not found or found[-1][:2] != (verb, about):
            found.append((verb, about, []))
        found[-1][2].append(check)
    return [(verb, about, tuple(checks)) for verb, about, checks in found]


def _said(session: SessionTold, verb: str, about: str) -> str:
    said = {
        "CONNECT": f"connection from {session.ip}",
        "EHLO": f"EHLO {session.helo}",
        "HELO": f"HELO {session.helo}",
        "MAIL": f"MAIL FROM:<{session.sender or ''}>",
        "RCPT": f"RCPT TO:<{about}>",
    }
    return said.get(verb, verb)


def _make(
    said: str,
    state: str,
    replies: tuple[str, ...],
    checks: tuple[CheckFound, ...],
    facts: tuple[tuple[str, str], ...] = (),
) -> Chapter:
    off = tuple(one.check for one in checks if one.verdict == "off")
    return Chapter(said, state, replies, tuple(one for one in checks if one.verdict != "off"), off, facts)
