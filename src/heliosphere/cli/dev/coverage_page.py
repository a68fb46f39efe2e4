"""heliosphere dev coverage-page: write docs/coverage.md from the guide's statements and the tests' marks.

Run in a checkout. Collects the tests (runs none) to learn which statement each proves.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Statement:
    id: str
    says: str
    note: str = ""

    @property
    def area(self) -> str:
        return self.id.rpartition("-")[0]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="heliosphere dev coverage-page", description=__doc__)
    parser.add_argument("--checkout", type=Path, default=Path(), help="the checkout (default: this folder)")
    options = parser.parse_args(argv)
    checkout: Path = options.checkout
    marks = checkout / "build" / "guide-marks.json"
    code = collect(checkout, marks)
    if code != 0:
        return code
    statements = read_statements((checkout / "tests/guide/statements.yaml").read_text())
    page = coverage_page(statements, json.loads(marks.read_text()))
    (checkout / "docs" / "coverage.md").write_text(page)
    print(page.split("\n", 3)[2])
    return 0


def collect(checkout: Path, marks: Path) -> int:
    """Let pytest write the marks; its output is shown only when it fails."""
    done = subprocess.run(  # noqa: S603 (argument list)
        [
            *(sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "tests.guide.plugin"),
            *("--guide-marks", str(marks.resolve())),
        ],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
    return done.returncode


def read_statements(text: str) -> list[Statement]:
    return [Statement(**json.loads(line[2:])) for line in text.splitlines() if line.startswith("- ")]


def coverage_page(statements: Iterable[Statement], marks: dict[str, list[str]]) -> str:
    """`marks`: test to the ids it proves. A test's parameters are not told apart."""
    proofs: dict[str, set[str]] = defaultdict(set)
    for test, ids in marks.items():
        for proven in ids:
            proofs[proven].add(test.split("[")[0])
    areas: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        areas[statement.area].append(statement)
    total = sum(map(len, areas.values()))
    lines = [
        "# What the tests prove of the guide",
        "",
        f"{len(proofs)} of {total} statements are proven by a test that would fail without the behaviour.",
        "Written by `heliosphere dev coverage-page`; do not edit. What each statement says is in",
        "`tests/guide/statements.yaml`.",
        "",
        "| Area | Proven | Not yet |",
        "| --- | ---: | ---: |",
    ]
    for area, rows in sorted(areas.items()):
        done = sum(row.id in proofs for row in rows)
        name = f"[{area}](#{area.lower()})" if done else area
        lines.append(f"| {name} | {done} | {len(rows) - done} |")
    for area, rows in sorted(areas.items()):
        if any(row.id in proofs for row in rows):
            lines += ["", f"## {area}", ""]
            lines += [_proven(row, proofs[row.id]) for row in rows if row.id in proofs]
            lines += _open([row for row in rows if row.id not in proofs])
    return "\n".join(lines) + "\n"


def _proven(row: Statement, tests: set[str]) -> str:
    return f"- **{row.id}** {row.says} ({', '.join(f'`{test}`' for test in sorted(tests))})"


def _open(rows: list[Statement]) -> list[str]:
    """The numbers of those not proven yet, by the note on why they may stay so."""
    notes: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        notes[row.note].append(row.id.rpartition("-")[2])
    return [
        f"- Not yet{f' ({note})' if note else ''}: {', '.join(numbers)}"
        for note, numbers in sorted(notes.items())
    ]
