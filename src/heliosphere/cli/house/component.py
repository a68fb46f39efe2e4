"""What a component of the house is: one declaration from which setup, start, doctor and docs are derived."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from heliosphere.cli.house.places import Places
from heliosphere.cli.house.ports import DEFAULT_BASE, LOOPBACK, number


@dataclass(frozen=True, slots=True)
class House:
    """The facts of one start. `source` is the folder of the package `heliosphere`'s parent (src)."""

    places: Places
    base_port: int = DEFAULT_BASE
    cluster: bool = False
    with_filters: bool = True
    demo: bool = True
    node: str = "local"
    service_zone: str = "heliosphere.test"

    def port(self, name: str) -> int:
        return number(self.base_port, name)

    def address(self, name: str) -> str:
        return f"{LOOPBACK}:{self.port(name)}"

    def secret(self, name: str) -> Path:
        return self.places.secrets / name

    @property
    def user(self) -> str:
        return pwd.getpwuid(os.geteuid()).pw_name

    def heliosphere(self, *words: str) -> list[str]:
        """Our own program, by the Python we run under."""
        return [sys.executable, "-m", "heliosphere.cli.main", *words]


Probe = Callable[[House], bool]


def nothing(house: House) -> None:
    """For components without a configuration of their own."""


@dataclass(frozen=True, slots=True)
class Component:
    """`needs` are components that must answer before this one starts.

    `programs` are the executables and `modules` our own modules it cannot do without; `packages` are the
    Debian packages that bring the programs (`packages_for`: what they do, where not the same). `form` says
    in which form of the house it runs. `memory` is a note for people. `once`: a task that ends by itself;
    `skip` says that it was done before and nothing changed since. `stop_signal` is what ends it cleanly;
    `grace` the seconds that may take; `patience` the seconds it may take until it answers.
    """

    name: str
    what_for: str
    argv: Callable[[House], list[str]]
    ready: Probe
    packages: tuple[str, ...] = ()
    packages_for: str = ""
    programs: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    configure: Callable[[House], None] = nothing
    environment: Callable[[House], Mapping[str, str]] = field(default=lambda house: {})
    needs: tuple[str, ...] = ()
    form: str = "both"
    filters: bool = False
    once: bool = False
    skip: Callable[[House], bool] = field(default=lambda house: False)
    memory: str = ""
    stop_signal: int = 15
    grace: float = 10.0
    patience: float = 30.0

    def wanted(self, house: House) -> bool:
        if self.filters and not house.with_filters:
            return False
        return self.form in ("both", "cluster" if house.cluster else "embedded")

    def lacking_programs(self) -> list[str]:
        return [program for program in self.programs if find_program(program) is None]

    def why_missing(self) -> str | None:
        """What is not there, with how to get it; None when it can start."""
        lacking = self.lacking_programs()
        if lacking:
            command = f"apt-get install --no-install-recommends {' '.join(self.packages)}"
            return f"{Path(lacking[0]).name} is not installed: {command}"
        unbuilt = [module for module in self.modules if not module_exists(module)]
        if unbuilt:
            return f"not built yet: {unbuilt[0]}"
        return None


def find_program(name: str) -> str | None:
    """An absolute path is looked at as it is; a name is looked for where Debian puts programs."""
    if name.startswith("/"):
        return name if Path(name).is_file() else None
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


def module_exists(name: str) -> bool:
    """Without importing it (its packages are)."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
