"""Readers of foreign bytes hold out against hypothesis, against all that ever broke them, and a moment of
atheris. For longer: python -m tests.mta.fuzz.run --seconds 600 TARGET
"""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mta.fuzz.targets import CORPUS, TARGETS

CHECKOUT = Path(__file__).resolve().parents[3]


def inputs(words):
    """Bytes at random, and bytes that look like something."""
    parts = st.sampled_from(words) | st.binary(max_size=6)
    return st.lists(parts, max_size=25).map(b"".join) | st.binary(max_size=300)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks_it(name):
    target = TARGETS[name]

    @settings(suppress_health_check=[HealthCheck.too_slow])  # it would tell how busy the machine is
    @given(inputs(target.words))
    def try_all(data):
        target.check(data)

    try_all()


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_before_stays_mended(name):
    files = TARGETS[name].corpus()
    assert files, f"{name} has no corpus"
    for path in files:
        TARGETS[name].check(path.read_bytes())


def test_the_corpus_belongs_to_targets_and_is_small():
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 100_000


def test_a_moment_of_fuzzing_finds_nothing_new():
    command = [sys.executable, "-m", "tests.mta.fuzz.run", "--seconds", "2", "all"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert done.stdout.count("inputs tried, none breaks it") == len(TARGETS)
