"""heliosphere …: one command, every program behind it. Modules are imported only when they are called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from heliosphere import __version__
from heliosphere.cli.house.component import module_exists

Main = Callable[[list[str]], int]


@dataclass(frozen=True, slots=True)
class Command:
    """`target` is "module:function", which takes the words after the command's own."""

    words: tuple[str, ...]
    target: str
    summary: str


COMMANDS = (
    Command(("up",), "heliosphere.cli.house.up:main", "start everything here (./run sets up first)"),
    Command(("doctor",), "heliosphere.cli.doctor.program:main", "what is wrong here, and what mends it"),
    Command(("mail", "serve"), "heliosphere.mta.programs.serve:main", "the mail engine alone, on a tree"),
    Command(
        ("mail-ssl-proto",), "heliosphere.mta.programs.ssl_proto:main", "TLS versions the mail service offers"
    ),
    Command(("panel", "worker"), "heliosphere.cli.embedded:main", "jobs of the panel, done on this machine"),
    Command(("panel", "dispatch"), "heliosphere.panel.programs.dispatcher:main", "jobs handed to the nodes"),
    Command(("panel", "prepare"), "heliosphere.cli.panel_prepare:main", "tables and first content"),
    Command(
        ("panel", "manage"),
        "heliosphere.panel.programs.manage:main",
        "management commands: issue_token, check_books …",
    ),
    Command(("agent", "node"), "heliosphere.agent.programs.celery_node:main", "the agent of a cluster node"),
    Command(("agent", "report"), "heliosphere.agent.programs.report:main", "what this node says of itself"),
    Command(
        ("simulate", "gateway"), "heliosphere.simulators.gateway.server:main", "the test payment gateway"
    ),
    Command(("dev", "coverage-page"), "heliosphere.cli.dev.coverage_page:main", "write docs/coverage.md"),
    Command(("dev", "controls-page"), "heliosphere.cli.dev.controls_page:main", "write docs/mta/controls.md"),
)
TOOLS = "heliosphere.mta.programs"
"""Every module there is a command of its own: heliosphere vadddomain …, heliosphere mail showctl …"""


def main(argv: list[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("help", "-h", "--help"):
        print(usage())
        return 0
    if words[0] in ("version", "--version"):
        print(f"heliosphere {__version__}")
        return 0
    if words[0] == "panel":
        _point_to_config()
    try:
        found = find(words)
        if found is None:
            print(f"heliosphere: no command {' '.join(words[:2])!r}\n\n{usage(words[0])}", file=sys.stderr)
            return 2
        program, rest = found
        return program(rest)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not _is_config_error(error):
            raise
        print(f"heliosphere: {error}", file=sys.stderr)
        return 1


def _point_to_config() -> None:
    """In a checkout the panel's programs find the house of ./run without being told."""
    usual = Path("var/etc/panel.json").absolute()
    if "HELIOSPHERE_CONFIG" not in os.environ and os.access(usual, os.R_OK):
        os.environ["HELIOSPHERE_CONFIG"] = str(usual)


def _is_config_error(error: Exception) -> bool:
    """Asked without importing the panel: a program that never loaded it raises none."""
    config = sys.modules.get("heliosphere.panel.platform.config")
    return config is not None and isinstance(error, config.ConfigError)


def find(words: list[str]) -> tuple[Main, list[str]] | None:
    """The program the words name, and the words left for it; None when there is none."""
    for command in COMMANDS:
        count = len(command.words)
        if tuple(words[:count]) == command.words:
            return _load(command.target), words[count:]
    rest = words[1:] if words[0] == "mail" else words
    if rest and (tool := _tool(rest[0])) is not None:
        return tool, rest[1:]
    return None


def _tool(word: str) -> Main | None:
    name = word.replace("-", "_")
    if not name.isidentifier() or name.startswith("_") or not module_exists(f"{TOOLS}.{name}"):
        return None
    return _load(f"{TOOLS}.{name}:main")


def _load(target: str) -> Main:
    module, _, function = target.partition(":")
    try:
        program: Main = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        return lambda _: _not_built(module)
    return program


def _not_built(module: str) -> int:
    print(f"heliosphere: this part is not built: {module}", file=sys.stderr)
    return 2


def usage(first: str = "") -> str:
    """All commands; only those that begin with the word `first` where there are some."""
    chosen = [command for command in COMMANDS if command.words[0] == first] or COMMANDS
    rows = [f"  {' '.join(command.words):<20} {command.summary}" for command in chosen]
    if chosen is COMMANDS or first == "mail":
        rows.append(f"  {'<mail tool>':<20} a tool of the mail engine by its name, for example showctl")
    if chosen is COMMANDS:
        rows.append(f"  {'version':<20} the version")
    listed = "\n".join(rows)
    return (
        f"heliosphere {__version__}\n\nusage: heliosphere COMMAND …\n\n{listed}\n\n"
        "heliosphere COMMAND --help says more; docs/running.md tells how it all fits."
    )


if __name__ == "__main__":
    sys.exit(main())
