"""Print every control as `name: [(Default.)] value`, then files no control reads."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from heliosphere.contracts.controls.registry import REGISTRY, BadValue, Control, Snapshot
from heliosphere.mta.adapters.control_files import ControlFiles
from heliosphere.mta.rules.errors import TryLater


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="showctl", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="directory that holds qmail/ and vpopmail/")
    arguments = parser.parse_args(argv)
    bad: list[BadValue] = []
    files = ControlFiles(arguments.root / "qmail" / "control", bad.append)
    try:
        snapshot = files.snapshot()
    except TryLater as trouble:
        print(trouble, file=sys.stderr)
        return 111
    for control in REGISTRY:
        print("\n".join(control_lines(control, snapshot)))
    for one in bad:
        print(f"{one.control}: the value {one.found!r} cannot be used as it stands; {one.used} is in force")
    for name in files.unknown_files():
        print(f"{name}: not a control this engine reads")
    return 0


def control_lines(control: Control[object], snapshot: Snapshot) -> list[str]:
    """One line for a value; a list has one more line an entry."""
    mark = "(Default.) " if snapshot.is_default(control) else ""
    value = snapshot[control]
    if control.kind == "lines":
        entries = value if isinstance(value, tuple) else ()
        return [f"{control.name}: {mark}{len(entries)} entries", *(f"  | {one}" for one in entries)]
    if control.kind == "flag":
        value = int(bool(value))
    return [f"{control.name}: {mark}{'the name in me' if value is None else value}".rstrip()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
