"""Checks of the machine: Python, disk, memory, Debian packages."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from heliosphere.cli.doctor.findings import Finding
from heliosphere.cli.house.packages import missing_packages, wanted_packages
from heliosphere.cli.house.up import LEAST_FREE

COMFORTABLE_DISK = 1024**3
LEAST_MEMORY, COMFORTABLE_MEMORY = 512 * 1024**2, 1024**3
AREA = "machine"


def check_machine(data: Path, *, cluster: bool) -> Iterator[Finding]:
    yield python(sys.version_info[:2])
    yield disk(data, shutil.disk_usage(_nearest(data)).free)
    yield memory(Path("/proc/meminfo").read_text())
    yield from packages(cluster=cluster)


def python(version: tuple[int, int]) -> Finding:
    text = ".".join(map(str, version))
    if version == (3, 11):
        return Finding(AREA, "Python", "ok", f"{text} at {sys.executable}")
    return Finding(
        AREA, "Python", "fail", f"{text}, but 3.11 is needed", "rm -rf .venv && ./run --setup-only"
    )


def disk(data: Path, free: int) -> Finding:
    text = f"{free // 1024**2} MB free at {data}"
    if free < LEAST_FREE:
        return Finding(AREA, "disk", "fail", text, f"make room: du -xh --max-depth=2 {data} | sort -h | tail")
    if free < COMFORTABLE_DISK:
        return Finding(AREA, "disk", "warn", text, f"make room soon: du -xh --max-depth=2 {data} | sort -h")
    return Finding(AREA, "disk", "ok", text)


def memory(meminfo: str) -> Finding:
    """`meminfo` is the text of /proc/meminfo (proc(5)); MemAvailable counts what caches would give back."""
    fields = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    available = int(fields["MemAvailable"].split()[0]) * 1024
    text = f"{available // 1024**2} MB available"
    if available < LEAST_MEMORY:
        return Finding(
            AREA, "memory", "fail", text, "stop what uses it: ps -eo rss,pid,comm --sort=-rss | head"
        )
    if available < COMFORTABLE_MEMORY:
        return Finding(
            AREA, "memory", "warn", text, "look what uses it: ps -eo rss,pid,comm --sort=-rss | head"
        )
    return Finding(AREA, "memory", "ok", text)


def packages(*, cluster: bool) -> Iterator[Finding]:
    wanted = wanted_packages(cluster=cluster)
    missing = missing_packages(wanted)
    for name in missing:
        mend = f"apt-get install --no-install-recommends {name}"
        yield Finding(AREA, name, "warn", f"package not installed: {wanted[name]} is off", mend)
    if not missing:
        yield Finding(AREA, "packages", "ok", f"all {len(wanted)} Debian packages are installed")


def _nearest(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())
