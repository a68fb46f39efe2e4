"""What is written down of an SMTP session: log lines as SPAMCONTROL has them, and records for questions."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from heliosphere.mta.adapters.logs.session_records import SessionRecords
from heliosphere.mta.adapters.logs.traffic_log import TrafficLog
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.dns_facts import ClientName
from heliosphere.mta.rules.facts import ClientNameOf
from heliosphere.mta.rules.findings import Finding, TraceLine
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Session
from heliosphere.mta.rules.traffic import TrafficEntry, counted_sender, status_of
from heliosphere.mta.wire.smtp_core import Watcher

PROGRAM = "qmail-smtpd"
LISTED = "Listed_Client"


class Log(Protocol):
    def line(self, text: str) -> None: ...


@dataclass(slots=True)
class SessionWatcher(Watcher):
    """`level` is the control smtplog: 0 verdicts, 1 verbs and codes as well, 2 everything but secrets.
    `listed` hears of clients that DNS lists refuse: they have a log of their own (control rblsyslog)."""

    log: Log
    records: SessionRecords
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    level: int
    listed: Callable[[str, Reply], None]
    traffic: TrafficLog | None = None
    recipients: list[dict[str, Any]] | None = None

    def command(self, session: Session, line: str) -> None:
        if self.level:
            self._say(f"{session.client.ip} < {line if self.level > 1 else line.partition(' ')[0]}")

    def said(self, session: Session, line: str) -> None:
        if self.level:
            self._say(f"{session.client.ip} > {line if self.level > 1 else line[:3]}")

    def found(self, session: Session, verb: str, finding: Finding, about: str) -> None:
        if finding.condition:
            self._say(verdict_line("Reject", session, finding, about if verb == "RCPT" else ""))
        if finding.condition == LISTED and finding.reply is not None:
            self.listed(session.client.ip, finding.reply)

    def remarked(self, session: Session, finding: Finding) -> None:
        """A check let the client pass and said why."""
        reply = session.blocked.reply() if session.blocked is not None else None
        if finding.condition == LISTED and reply is not None:
            self._say(verdict_line("Reject", session, finding, ""))
            self.listed(session.client.ip, reply)
        elif finding.condition and finding.kind:
            self._say(verdict_line("Accept", session, finding, ""))

    def signed_in(self, session: Session, method: str) -> None:
        self._say(verdict_line("Accept", session, Finding(None, "", method, "AUTH"), ""))

    def encrypted(self, session: Session, cipher: str) -> None:
        self._say(verdict_line("Accept", session, Finding(None, "", cipher or "unknown", "TLS"), ""))

    def recipient_accepted(self, session: Session, recipient: Address) -> None:
        kind, word = ("SNDR", "Relay_Client") if session.may_relay else ("RCPT", "Rcpthosts_Rcptto")
        self._say(verdict_line("Accept", session, Finding(None, "", word, kind), str(recipient)))
        self._note_recipient(recipient, "250", None)

    def recipient_refused(self, session: Session, recipient: Address, finding: Finding) -> None:
        line = finding.reply.line() if finding.reply is not None else "(hung up)"
        self._note_recipient(recipient, line, finding)

    def message_ended(self, session: Session, reply: Reply, finding: Finding | None) -> None:
        self._count_traffic(session, finding)
        if not self.records.is_on:
            return
        recipients, self.recipients = self.recipients or [], None
        now = self.clock().astimezone(UTC)
        number = f"{now:%Y%m%d}-{self.new_id()}"
        self.records.add(
            {
                "id": number, "at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "ip": session.client.ip,
                "host": _host(session), "helo": session.helo, "tls": session.tls, "login": session.login,
                "submission": session.client.submission, "class": session.client_class,
                "sender": str(session.sender) if session.sender is not None else None,
                "size": session.declared_size, "recipients": recipients, "reply": reply.line(),
                "why": finding.why if finding is not None else "",
                "trace": [_trace(line) for line in session.trace or ()],
            }
        )  # fmt: skip

    def _count_traffic(self, session: Session, finding: Finding | None) -> None:
        """Only messages that came in whole, or were cut off for their size, are counted."""
        status = status_of(finding)
        if self.traffic is None or session.sender is None or not session.received or status is None:
            return
        sender = counted_sender(session.sender, session.login, session.policy.authsender)
        for recipient in session.recipients:
            self.traffic.add(TrafficEntry("in", sender, str(recipient), session.received, status))

    def _note_recipient(self, recipient: Address, reply: str, finding: Finding | None) -> None:
        if self.recipients is None:
            self.recipients = []
        self.recipients.append(
            {"to": str(recipient), "reply": reply, "why": finding.why if finding is not None else ""}
        )

    def _say(self, text: str) -> None:
        self.log.line(f"{PROGRAM}: pid {os.getpid()} {text}")


def verdict_line(action: str, session: Session, finding: Finding, recipient: str) -> str:
    """`Reject::ORIG::Bad_Mailfrom: P:ESMTP S:192.0.2.5:host H:helo F:sender T:recipient 'info'`"""
    protocol = "ESMTP" if session.extended else "SMTP"
    text = (
        f"{action}::{finding.kind}::{finding.condition}: P:{protocol} S:{session.client.ip}:{_host(session)} "
        f"H:{session.helo} F:{session.sender if session.sender is not None else ''} T:{recipient}"
    )
    return f"{text} '{finding.info}'" if finding.info else text


def _host(session: Session) -> str:
    known = session.facts.get(ClientNameOf(session.client.ip))
    return known.name if isinstance(known, ClientName) and known.name else "unknown"


def _trace(line: TraceLine) -> list[Any]:
    """verb, check, verdict, about, and for what decided: why, control, line number, entry."""
    finding = line.finding
    if finding is None:
        return [line.verb, line.check, line.verdict, line.about]
    entry = finding.entry
    return [
        line.verb, line.check, line.verdict, line.about, finding.why, finding.control,
        entry.line if entry is not None else 0, str(entry) if entry is not None else "",
    ]  # fmt: skip
