"""Facilities and levels of syslog(3), for the controls rblsyslog and sysfacility."""

from __future__ import annotations

from dataclasses import dataclass

from heliosphere.contracts.controls.words import FACILITIES, LEVELS


@dataclass(frozen=True, slots=True)
class SyslogTarget:
    facility: str
    level: str

    @property
    def priority(self) -> int:
        """The number in `<…>` before a message (RFC 3164, 4.1.1)."""
        return FACILITIES[self.facility] * 8 + LEVELS[self.level]


DEFAULT_RBLSYSLOG = SyslogTarget("mail", "notice")
DEFAULT_SYSFACILITY = SyslogTarget("local0", "info")


def parse_rblsyslog(text: str) -> tuple[SyslogTarget, bool]:
    """`facility.level` in any case; False and the default (mail.notice) for anything else."""
    facility, _, level = text.strip().lower().partition(".")
    if facility not in FACILITIES or level not in LEVELS:
        return DEFAULT_RBLSYSLOG, False
    return SyslogTarget(facility, level), True


def parse_sysfacility(text: str) -> tuple[SyslogTarget, bool]:
    """`LOG_LOCAL0` to `LOG_LOCAL7` in any case, at level info; False and LOG_LOCAL0 for anything else."""
    name = text.strip().lower()
    facility = name.removeprefix("log_")
    if not name.startswith("log_local") or facility not in FACILITIES:
        return DEFAULT_SYSFACILITY, False
    return SyslogTarget(facility, "info"), True


def syslog_message(target: SyslogTarget, program: str, text: str) -> bytes:
    """One datagram for the local syslog socket, which adds time and host itself."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return f"<{target.priority}>{program}: {shown}".encode()[:2000]
