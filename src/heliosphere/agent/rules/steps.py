"""A plan is a tuple of steps, worked out from what was found and what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One change. `action` is for the driver, `text` for the live log, `value` what the action needs."""

    action: str
    text: str
    value: Any = None


Plan = tuple[Step, ...]
