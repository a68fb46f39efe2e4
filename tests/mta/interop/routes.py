"""The four ways by which a client may reach the engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Route:
    """`tls` is "", "on demand" or "first"."""

    port: int
    tls: str
    certificate: Path
    user: str | None = None
    password: str | None = None
