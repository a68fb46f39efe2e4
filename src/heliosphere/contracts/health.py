"""What a node says of itself: which drivers it has, and how its services are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heliosphere.contracts.codec import contract


@contract("service-health")
@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """One service on a node. `advice` is the command or act that mends it."""

    name: str
    state: Literal["up", "down", "missing"]
    detail: str = ""
    advice: str = ""


@contract("node-report")
@dataclass(frozen=True, slots=True)
class NodeReport:
    node: str
    version: str
    drivers: tuple[str, ...]
    services: tuple[ServiceHealth, ...]
