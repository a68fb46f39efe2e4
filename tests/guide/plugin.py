"""Guide marks and skips. Loaded with -p tests.guide.plugin (./test does).

- A mark with an id that is not in statements.yaml fails the run.
- --guide-marks FILE writes which test proves which statement (for heliosphere dev coverage-page).
- Skips are listed by name; with CI=true one whose reason is not "no root" fails the run.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

STATEMENTS = Path(__file__).with_name("statements.yaml")
FORGIVEN = "no root"
MARKS = pytest.StashKey[dict[str, list[str]]]()
"""Test to the ids it proves, of all that was collected (before -m and -k leave some out)."""


def known_ids(text: str) -> set[str]:
    """Each line of the list is "- " and a JSON object, which is YAML too."""
    return {json.loads(line[2:])["id"] for line in text.splitlines() if line.startswith("- ")}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--guide-marks", type=Path, metavar="FILE", help="write the guide marks found as JSON")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Skips(), "heliosphere-skips")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    marks = {item.nodeid: marked_ids(item) for item in items}
    known = known_ids(STATEMENTS.read_text())
    unknown = sorted(
        {f"{found} ({test})" for test, ids in marks.items() for found in ids if found not in known}
    )
    if unknown:
        raise pytest.UsageError(f"unknown guide ids: {', '.join(unknown)}")
    proofs = config.stash[MARKS] = {test: sorted(ids) for test, ids in marks.items() if ids}
    file = config.getoption("--guide-marks")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(proofs, indent=1, sort_keys=True))


def marked_ids(item: pytest.Item) -> set[str]:
    return {str(found) for mark in item.iter_markers("guide") for found in mark.args}


class Skips:
    """Collects skips (from every xdist worker), lists them, and judges them in CI."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.found[report.nodeid] = reason_of(report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.found[report.nodeid] = reason_of(report.longrepr)

    def unforgiven(self) -> dict[str, str]:
        if os.environ.get("CI") != "true":
            return {}
        return {test: reason for test, reason in self.found.items() if reason != FORGIVEN}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unforgiven() and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.found:
            terminalreporter.section("skipped tests")
            for test, reason in sorted(self.found.items()):
                terminalreporter.line(f"{test}: {reason}")
        if self.unforgiven():
            terminalreporter.line(f"In CI these skips count as failures: {len(self.unforgiven())}", red=True)


def reason_of(longrepr: object) -> str:
    """The words of a skip, without pytest's own "Skipped: "."""
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return str(text).removeprefix("Skipped: ")
