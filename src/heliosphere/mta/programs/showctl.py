"""Print every control as `name: [(Default.)] value`, then what cannot be used, and files no control reads."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.controls.registry import BadValue, Control, Snapshot
from heliosphere.contracts.controls.smtpd import RCPTHOSTS, SPFEXP, SPFGUESS, SPFRULES
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.files.filter_clients import CLIENT_LISTS, check_client_text
from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.programs.child import wall_clock
from heliosphere.mta.rules.clients.tcp_rules import parse_rules
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.origin.spf import explanation_problem, guess_problem, rules_problem, rules_warning
from heliosphere.mta.rules.plugins.spp import parse_plugins

NOT_ROOT = 100
TROUBLE = 111


def main(argv: list[str]) -> int:
    """Exit 0, 100 when somebody else's tree is asked for, 111 when a control cannot be read."""
    parser = argparse.ArgumentParser(prog="showctl", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="directory that holds qmail/ and vpopmail/")
    root: Path = parser.parse_args(argv).root
    control = root / "qmail" / "control"
    if os.geteuid() not in (0, _owner(control)):
        print("showctl: must be root, or the owner of the tree", file=sys.stderr)
        return NOT_ROOT
    files = ControlFiles(control)
    try:
        snapshot = files.snapshot()
        for line in [*_controls(snapshot), *_remarks(files, snapshot, control, root)]:
            print(line)
    except (TryLater, OSError) as trouble:
        print(trouble, file=sys.stderr)
        return TROUBLE
    return 0


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return 0


def _controls(snapshot: Snapshot) -> Iterator[str]:
    for control in REGISTRY:
        yield from control_lines(control, snapshot)
        for bad in snapshot.bad:
            if bad.control == control.name:
                yield _bad_line(bad)


def control_lines(control: Control[object], snapshot: Snapshot) -> list[str]:
    """One line for a value; a list has one more line an entry. Secrets are only counted."""
    mark = "(Default.) " if snapshot.is_default(control) else ""
    value = snapshot[control]
    if control.kind == "lines":
        entries = value if isinstance(value, tuple) else ()
        shown = () if control.secret else entries
        return [f"{control.name}: {mark}{len(entries)} entries", *(f"  | {one}" for one in shown)]
    if control.kind == "flag":
        value = int(bool(value))
    return [f"{control.name}: {mark}{'the name in me' if value is None else value}".rstrip()]


def _bad_line(bad: BadValue) -> str:
    """A single value is marked as such; an entry of a list by its line."""
    control = REGISTRY.get(bad.control)
    if control is None or control.kind == "lines":
        kind = "Remark" if bad.is_remark else "Bad entry"
        return f"{bad.control}: ({kind} in line {bad.line}, '{bad.found}': {bad.why}.)"
    return f"{bad.control}: (Bad value '{bad.found}', using {bad.used or 'nothing'}: {bad.why}.)"


def _remarks(files: ControlFiles, snapshot: Snapshot, control: Path, root: Path) -> Iterator[str]:
    yield from _spf_remarks(snapshot)
    for one in parse_plugins(_lines(control / "smtpplugins")).problems:
        yield f"smtpplugins: (Bad entry in line {one.line}, '{one.text}': {one.reason}.)"
    for problem in parse_rules(_text(RelayFiles(root, wall_clock).directory / "tcp.smtp"))[1]:
        yield f"tcp.smtp: ({problem})"
    for which in CLIENT_LISTS:
        for bad in check_client_text(which, _text(control / which)):
            yield f"{which}: (Bad entry in line {bad.line}: {bad.text}.)"
    if snapshot.is_default(RCPTHOSTS):
        yield "rcpthosts: (Absent: only mail for domains held here is taken.)"
    yield from (f"{name}: obsolete, {REGISTRY.obsolete[name]}" for name in files.obsolete())
    yield from (f"{name}: unknown in options, kept" for name in files.unknown_options())
    yield from (f"{name}: not a control this engine reads" for name in files.unknown_files())


def _spf_remarks(snapshot: Snapshot) -> Iterator[str]:
    judges = (
        (SPFRULES, rules_problem, "Bad value"), (SPFGUESS, guess_problem, "Bad value"),
        (SPFEXP, explanation_problem, "Bad value"), (SPFRULES, rules_warning, "Remark"),
    )  # fmt: skip
    for control, judge, kind in judges:
        reason = judge(snapshot[control] or "")
        if reason is not None:
            yield f"{control.name}: ({kind} '{snapshot[control]}': {reason}.)"


def _lines(path: Path) -> list[str]:
    return _text(path).split("\n")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
