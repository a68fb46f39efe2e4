"""The scripts at the root of the checkout."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["run", "test", ".ci/run", "scripts/setup.sh"])
def test_bash_can_read_it(name: str) -> None:
    done = subprocess.run(["bash", "-n", str(ROOT / name)], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["run", "test", ".ci/run"])
def test_it_may_be_run(name: str) -> None:
    assert (ROOT / name).stat().st_mode & 0o111 == 0o111


def test_run_says_what_it_takes() -> None:
    done = subprocess.run([ROOT / "run", "--help"], capture_output=True, text=True, timeout=30)

    for option in ("--data", "--base-port", "--demo", "--empty", "--setup-only", "--no-packages"):
        assert option in done.stdout


def test_uv_is_taken_from_requirements_with_its_hashes() -> None:
    """The bootstrap cuts uv's own lines out of requirements.txt: they must be there, pinned and hashed."""
    text = (ROOT / "requirements.txt").read_text()
    block = re.search(r"^uv==\S+ .*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE)

    assert block is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--fly",), "option --fly"), (("--data",), "--data needs"), (("--base-port",), "needs a value")],
)
def test_a_wrong_option_is_refused_before_anything_is_set_up(words: tuple[str, ...], said: str) -> None:
    done = subprocess.run([ROOT / "run", *words], capture_output=True, text=True, timeout=30)

    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def test_the_benchmark_of_the_house_can_be_started() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "house.py", "--help"], capture_output=True, text=True, timeout=30
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "--quick" in done.stdout
