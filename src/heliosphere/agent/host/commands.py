"""Programs the agent may run: named here, argument lists only, a time limit always, never a shell."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from heliosphere.agent.rules.errors import Refused, TryLater

ALLOWED: dict[str, tuple[str, ...]] = {
    "nginx": ("/usr/sbin/nginx", "/usr/bin/nginx"),
}
"""Program to the places it may lie at. A driver that needs another one adds it here, where review sees it."""

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class CommandResult:
    code: int
    output: str


def find(program: str) -> Path | None:
    """Where an allowed program lies, or None when its package is not installed."""
    return next((Path(place) for place in ALLOWED[program] if Path(place).is_file()), None)


def run(program: str, arguments: Sequence[str], *, time_limit: float) -> CommandResult:
    """Run to the end; output is stdout and stderr together. A failing exit code is the caller's to judge.

    Raises Refused when the program is not installed, TryLater when it takes longer than `time_limit` seconds.
    """
    place = find(program)
    if place is None:
        raise Refused("program_missing", f"{program} is not installed.", f"Install the package of {program}.")
    try:
        done = subprocess.run(  # noqa: S603 (allow-listed program, argument list)
            [str(place), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=time_limit,
            check=False,
            env=_ENVIRONMENT,
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        raise TryLater("program_slow", f"{program} took longer than {time_limit:.0f} s.") from None
    return CommandResult(done.returncode, done.stdout.decode(errors="replace").strip())


def is_installed(place: str) -> bool:
    """Is there a file at this absolute path that may be run?"""
    return os.access(place, os.X_OK)
