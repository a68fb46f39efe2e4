"""The command line: every word leads to a program, wrong words to the list."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heliosphere import __version__
from heliosphere.cli import main as cli


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heliosphere.cli.main", *words], capture_output=True, text=True, timeout=60
    )


def test_the_version_is_one_line() -> None:
    assert run("version").stdout == f"heliosphere {__version__}\n"


def test_without_words_the_commands_are_listed() -> None:
    said = run().stdout
    assert all(" ".join(command.words) in said for command in cli.COMMANDS)


def test_an_unknown_command_is_named_and_ends_with_two() -> None:
    done = run("fly", "away")

    assert done.returncode == 2
    assert "no command 'fly away'" in done.stderr


def test_half_a_command_lists_those_that_begin_so() -> None:
    said = run("panel").stderr

    assert "panel manage" in said
    assert "mail serve" not in said


def test_a_panel_command_without_a_house_says_what_is_missing_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "heliosphere.cli.main", "panel", "manage", "check_books"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("heliosphere: HELIOSPHERE_CONFIG is not set")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [("mail", "showctl"), ("showctl",)])
def test_mail_tools_are_found_by_their_name(words: tuple[str, ...]) -> None:
    assert cli.find([*words, "--root", "x"]) is not None


def test_a_name_that_is_no_module_finds_nothing() -> None:
    assert cli.find(["mail", "../etc"]) is None
    assert cli.find(["mail"]) is None


def test_a_part_that_is_not_built_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    program = cli._load("heliosphere.cli.nowhere:main")

    assert program([]) == 2
    assert "not built" in capsys.readouterr().err


def test_the_command_line_stays_light() -> None:
    """The supervisor lives as long as the house: it must not carry Django or the agent's libraries."""
    code = (
        "import sys; import heliosphere.cli.main, heliosphere.cli.house.up; "
        "print([n for n in ('django','httpx','jinja2','cryptography','celery') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.stdout.strip() == "[]", done.stderr
