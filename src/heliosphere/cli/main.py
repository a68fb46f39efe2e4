"""heliosphere …: one command, every program behind it. Modules are imported only when they are called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

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
    Command(("up",), "heliosphere.cli.house.up:main", "start everything on this machine"),
    Command(("doctor",), "heliosphere.cli.doctor.program:main", "check machine, packages, ports, services"),
    Command(("mail", "serve"), "heliosphere.mta.programs.serve:main", "the mail engine alone, on a tree"),
    Command(("panel", "worker"), "heliosphere.cli.embedded:main", "jobs of the panel, done on this machine"),
    Command(("panel", "dispatch"), "heliosphere.panel.programs.dispatcher:main", "jobs handed to the nodes"),
    Command(("panel", "prepare"), "heliosphere.cli.panel_prepare:main", "tables and first content"),
    Command(("panel", "manage"), "heliosphere.panel.programs.manage:main", "Django's management commands"),
    Command(("agent", "node"), "heliosphere.agent.programs.celery_node:main", "the agent of a cluster node"),
    Command(("agent", "report"), "heliosphere.agent.programs.report:main", "what this node says of itself"),
    Command(
        ("simulate", "gateway"), "heliosphere.simulators.gateway.server:main", "the test payment gateway"
    ),
    Command(("dev", "coverage-page"), "heliosphere.cli.dev.coverage_page:main", "write docs/coverage.md"),
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
    found = find(words)
    if found is None:
        print(f"heliosphere: no command {' '.join(words[:2])!r}\n\n{usage()}", file=sys.stderr)
        return 2
    program, rest = found
    try:
        return program(rest)
    except KeyboardInterrupt:
        return 130


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


def usage() -> str:
    rows = "\n".join(f"  {' '.join(command.words):<20} {command.summary}" for command in COMMANDS)
    return (
        f"heliosphere {__version__}\n\nusage: heliosphere COMMAND …\n\n{rows}\n"
        f"  {'<mail tool>':<20} a tool of the mail engine by its name, for example showctl\n"
        f"  {'version':<20} the version\n\nheliosphere COMMAND --help says more."
    )


if __name__ == "__main__":
    sys.exit(main())
