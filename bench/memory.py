"""Idle memory of a house: PSS, so that what processes share counts once (proc_pid_smaps(5))."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from heliosphere.cli.doctor.services import running_pid
from heliosphere.cli.house.component import House

FOREIGN = ("pdns_server", "nginx", "dovecot", "clamd", "spamd", "postgres", "beam.smp", "epmd")
"""Programs of others; they and their children are left out."""


@dataclass(frozen=True)
class Process:
    what: str
    megabytes: float


def of_house(house: House) -> list[Process]:
    """Supervisor, mail engine, panel, worker and gateway with their children, largest first."""
    pid = running_pid(house)
    if pid is None:
        raise SystemExit("the house does not run")
    found = [Process(_what(one), _pss(one)) for one in _ours(pid)]
    return sorted(found, key=lambda process: -process.megabytes)


def _ours(pid: int) -> list[int]:
    programs = [word.rpartition("/")[2] for word in _words(pid)[:4]]  # spamd stands behind its interpreter
    if any(program.startswith(FOREIGN) for program in programs):
        return []
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _ours(int(child)))]


def _words(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def _what(pid: int) -> str:
    """The words of the command line that tell our programs apart: those before the options."""
    dull = ("-m", "heliosphere.cli.main", "")
    words = [word.rpartition("/")[2] for word in _words(pid)[1:] if word not in dull]
    return " ".join(takewhile(lambda word: not word.startswith("-"), words)) or _words(pid)[0]


def _pss(pid: int) -> float:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kilobytes = next(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
    return round(kilobytes / 1024, 1)
