"""How fast the house comes up, how fast a signup is live, how much memory it takes idle.

.venv/bin/python bench/house.py [--quick] [--runs N] [--signups N] [--json FILE]

A full run sets up a copy of the checkout from nothing (its own .venv, assets and data) in a directory that
is removed at the end; Debian packages are not part of it. --quick starts the checkout as it is, once.
See docs/bench.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]

from bench import memory, signup  # noqa: E402
from heliosphere.cli.doctor.data import find_house  # noqa: E402
from heliosphere.cli.house import ports  # noqa: E402
from heliosphere.cli.house.component import House  # noqa: E402

SETTLE = 5.0
"""Seconds of quiet before memory is read."""


@dataclass(frozen=True)
class Target:
    """`most` is what a figure may reach at most."""

    what: str
    unit: str
    most: float


TARGETS = {
    "fresh_start": Target("fresh checkout to ready, packages there", "s", 120),
    "second_start": Target("second start to ready", "s", 8),
    "signup": Target("signup submitted to all live", "s", 10),
    "memory": Target("idle memory of all that is ours", "MB", 450),
}


@dataclass
class Result:
    """Raw samples by figure, and the memory of every process where it was most."""

    samples: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in TARGETS})
    processes: list[memory.Process] = field(default_factory=list)

    def add(self, name: str, value: float) -> None:
        self.samples[name].append(round(value, 3))
        print(f"  {TARGETS[name].what}: {value:.2f} {TARGETS[name].unit}", flush=True)


def main() -> int:
    options = _parser().parse_args()
    result = Result()
    for number in range(1 if options.quick else options.runs):
        print(f"run {number + 1}", flush=True)
        with _place() as place:
            _one_run(place, options, result)
    print(table(result))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document(result), indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/house.py", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one run of the checkout as it is")
    parser.add_argument("--runs", type=int, default=3, help="houses set up from nothing (default 3)")
    parser.add_argument("--signups", type=int, default=3, help="signups in each house (default 3)")
    parser.add_argument("--json", type=Path, help="where the raw figures go")
    return parser


def _one_run(place: Path, options: argparse.Namespace, result: Result) -> None:
    """First start, signups, memory, second start, memory."""
    checkout = CHECKOUT if options.quick else _copy_of_checkout(place / "checkout")
    data = place / "var"
    base = ports.next_base(10000, ports.PORTS)
    command = [str(checkout / "run"), "--no-packages", "--data", str(data), "--base-port", str(base)]
    with _running(command, data) as seconds:
        result.add("fresh_start", seconds)
        house = find_house(data, None).house
        caller = signup.Caller(house)
        for number in range(1 if options.quick else options.signups):
            result.add("signup", signup.measure(caller, f"bench{number}"))
        _read_memory(house, result)
    with _running(command, data) as seconds:
        result.add("second_start", seconds)
        _read_memory(house, result)


def _read_memory(house: House, result: Result) -> None:
    """Once after signups, once after a start that nobody used yet."""
    time.sleep(SETTLE)
    processes = memory.of_house(house)
    total = sum(process.megabytes for process in processes)
    if total >= max(result.samples["memory"], default=0.0):
        result.processes = processes
    result.add("memory", total)


@contextmanager
def _place() -> Iterator[Path]:
    """Where any user can reach it: as root the house runs as a user of its own."""
    place = Path(tempfile.mkdtemp(prefix="heliosphere-bench-", dir="/var/tmp"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def _copy_of_checkout(target: Path) -> Path:
    """The files git knows, as they are now; nothing that was built."""
    names = subprocess.run(
        ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, names.split("\0")):
        if (CHECKOUT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name)
    return target


@contextmanager
def _running(command: list[str], data: Path) -> Iterator[float]:
    """The house; yields the seconds from the command to ready.json. Stopped at the end."""
    log = data.with_name("output")
    began = time.monotonic()
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            until(lambda: (data / "ready.json").exists() or process.poll() is not None, 600)
            if process.poll() is not None:
                raise SystemExit(f"the house did not start:\n{log.read_text()[-3000:]}")
            yield time.monotonic() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def until(done: Callable[[], Any], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"gave up after {seconds} s")
        time.sleep(0.02)


def table(result: Result) -> str:
    rows = ["", f"{'':<42}{'min':>8}{'median':>8}{'max':>8}{'target':>8}  of target"]
    for name, samples in result.samples.items():
        target = TARGETS[name]
        low, middle, high = min(samples), statistics.median(samples), max(samples)
        rows.append(
            f"{target.what + ' (' + target.unit + ')':<42}{low:>8.2f}{middle:>8.2f}{high:>8.2f}"
            f"{target.most:>8.0f}  {middle / target.most:.0%}"
        )
    rows += ["", "memory by process (MB):"]
    rows += [f"  {process.megabytes:6.1f}  {process.what}" for process in result.processes]
    return "\n".join(rows)


def document(result: Result) -> dict[str, Any]:
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "targets": {name: asdict(target) for name, target in TARGETS.items()},
        "samples": result.samples,
        "processes": [asdict(process) for process in result.processes],
    }


if __name__ == "__main__":
    sys.exit(main())
