"""The mail engine's desk as the agent uses it: what it answers, and controls that it writes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from heliosphere.mta.desk import MailDesk, check_values

__all__ = ["MailDesk", "check_values", "open_desk"]


def open_desk(section: dict[str, str]) -> MailDesk:
    """`resolver` in the section is HOST:PORT of the DNS server to ask; without it the machine's own."""
    host, _, port = section.get("resolver", "").rpartition(":")
    return MailDesk(Path(section["root"]), _wall_clock, (host, int(port)) if host else None)


def _wall_clock() -> datetime:
    return datetime.now(tz=UTC)  # noqa: TID251 - the engine's own programs use the machine's clock too
