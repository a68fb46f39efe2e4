"""Every driver and desk there is. Adding one is adding a file to this folder that has an ENTRY."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

import heliosphere.agent.drivers as folder
from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.base import Desk, DeskEntry, Driver, DriverEntry


@dataclass(frozen=True, slots=True)
class DriverSet:
    """`missing` gives the advice for each kind of driver or desk this node has no section for."""

    available: dict[str, Driver]
    missing: dict[str, str]
    desks: dict[str, Desk] = field(default_factory=dict)


@cache
def entries() -> tuple[DriverEntry | DeskEntry, ...]:
    modules = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    found = [getattr(import_module(f"{folder.__name__}.{name}"), "ENTRY", None) for name in modules]
    return tuple(entry for entry in found if isinstance(entry, DriverEntry | DeskEntry))


def build_drivers(config: AgentConfig) -> DriverSet:
    here = [entry for entry in entries() if entry.section in config.sections]
    return DriverSet(
        available={entry.kind: entry.build(config) for entry in here if isinstance(entry, DriverEntry)},
        missing={entry.kind: entry.advice for entry in entries() if entry not in here},
        desks={entry.kind: entry.build(config) for entry in here if isinstance(entry, DeskEntry)},
    )
