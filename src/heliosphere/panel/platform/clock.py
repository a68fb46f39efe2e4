"""The one place where the panel's programs read the time. Rules and services are handed a datetime."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(tz=UTC)  # noqa: TID251
