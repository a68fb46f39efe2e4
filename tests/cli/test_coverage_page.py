"""The coverage page and the plugin that feeds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from heliosphere.cli.dev.coverage_page import Statement, coverage_page, read_statements
from tests.guide.plugin import STATEMENTS, Skips, known_ids

ROWS = [Statement("AREA-001", "One."), Statement("AREA-002", "Two.", "ambiguous")]


def test_the_page_tells_proven_from_not_yet() -> None:
    page = coverage_page(
        ROWS, {"tests/x.py::test_one[a]": ["AREA-001"], "tests/x.py::test_one[b]": ["AREA-001"]}
    )

    assert "1 of 2 statements" in page
    assert "| [AREA](#area) | 1 | 1 |" in page
    assert "- **AREA-001** One. (`tests/x.py::test_one`)" in page
    assert "- Not yet (ambiguous): 002" in page


def test_every_statement_of_the_list_is_read() -> None:
    text = STATEMENTS.read_text()

    assert len(read_statements(text)) == len(known_ids(text)) == 1256


def run(folder: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    root = STATEMENTS.parents[2]
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.guide.plugin", "-p", "no:cacheprovider"),
            *("-c", "/dev/null", "--rootdir", str(folder), "-o", "markers=guide", *more, str(folder)),
        ],
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_an_unknown_id_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import pytest\n@pytest.mark.guide('NO-SUCH-001')\ndef test_x():\n    pass\n"
    )

    done = run(tmp_path)

    assert done.returncode != 0
    assert "unknown guide ids: NO-SUCH-001" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("reason", "ci", "code"), [("no root", "true", 0), ("too lazy", "true", 1), ("too lazy", "false", 0)]
)
def test_only_a_missing_root_excuses_a_skip_in_ci(tmp_path: Path, reason: str, ci: str, code: int) -> None:
    (tmp_path / "test_x.py").write_text(f"import pytest\ndef test_x():\n    pytest.skip({reason!r})\n")

    done = run(tmp_path, CI=ci)

    assert done.returncode == code, done.stdout
    assert f"test_x.py::test_x: {reason}" in done.stdout


def test_no_skips_nothing_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert Skips().unforgiven() == {}
