"""Lines of the traffic log (mail formats, 6.5): one a recipient, for statistics and accounting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.findings import Finding

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STATUS = {
    "Virus_Infected": "rejclam",
    "Bad_MIME": "rejclam",
    "Bad_Loader": "rejclam",
    "Spam_Message": "rejspam",
    "Invalid_Size": "bytestooverflow",
    "Many_Hops": "manyhops",
    "Timeout": "timeout",
}


@dataclass(frozen=True, slots=True)
class TrafficEntry:
    """What happened with one message for one recipient. `bytes` as the message came, line ends as one."""

    kind: Literal["in", "out"]
    sender: str
    recipient: str
    bytes: int
    status: str
    attempts: int = 1

    def text(self, now: datetime) -> str:
        """`TIMESTAMP|SENDER|RECIPIENT|BYTES|STATUS|ATTEMPTS`"""
        fields = (self.sender, self.recipient, str(self.bytes), self.status, str(self.attempts))
        return "|".join([str(int(now.timestamp())), *(_field(one) for one in fields)])


def line_of(entry: TrafficEntry, now: datetime, host: str, pid: int) -> str:
    """`DATE HOST TYPE[PID]: …`, as syslog writes it."""
    utc = now.astimezone(UTC)
    date = f"{_MONTHS[utc.month - 1]} {utc.day:2} {utc:%H:%M:%S}"
    return f"{date} {host} {entry.kind}[{pid}]: {entry.text(now)}"


def status_of(finding: Finding | None) -> str | None:
    """The word for how receiving ended; None for ends that are not counted."""
    return "success" if finding is None else _STATUS.get(finding.condition)


def counted_sender(sender: Address, login: str | None, authsender: int) -> str:
    """authsender 2: traffic counts for who signed in, whatever the envelope says (MAIL-AUTH-007)."""
    return login if login is not None and authsender == 2 else str(sender)


def _field(text: str) -> str:
    return "".join("?" if char == "|" or not char.isprintable() else char for char in text)
