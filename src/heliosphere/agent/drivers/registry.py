"""Every driver there is. Adding one is adding a file to this folder that has an ENTRY."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import heliosphere.agent.drivers as folder
from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.base import Driver, DriverEntry


@dataclass(frozen=True, slots=True)
class DriverSet:
    """`missing` gives the advice for each kind this node has no section for."""

    available: dict[str, Driver]
    missing: dict[str, str]


@cache
def entries() -> tuple[DriverEntry, ...]:
    modules = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    found = [getattr(import_module(f"{folder.__name__}.{name}"), "ENTRY", None) for name in modules]
    return tuple(entry for entry in found if isinstance(entry, DriverEntry))


def build_drivers(config: AgentConfig) -> DriverSet:
    here = [entry for entry in entries() if entry.section in config.sections]
    return DriverSet(
        available={entry.kind: entry.build(config) for entry in here},
        missing={entry.kind: entry.advice for entry in entries() if entry not in here},
    )
