"""Facilities and levels of syslog(3), for the controls rblsyslog and sysfacility."""

from __future__ import annotations

from dataclasses import dataclass

FACILITIES = {
    "kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8,
    "cron": 9, "authpriv": 10, "ftp": 11, **{f"local{number}": 16 + number for number in range(8)},
}  # fmt: skip
LEVELS = {
    "emerg": 0, "alert": 1, "crit": 2, "err": 3, "warning": 4, "warn": 4, "notice": 5, "info": 6, "debug": 7,
}  # fmt: skip


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
