"""Every transcript in transcript_files/: what a client says and hears (see transcripts.py)."""

from pathlib import Path

import pytest

from tests.mta.transcripts import play, read_head

HERE = Path(__file__).parent / "transcript_files"
FILES = sorted(HERE.glob("**/*.txt"))


def with_marks(path):
    ids = read_head(path.read_text()).get("guide", "").split()
    name = str(path.relative_to(HERE).with_suffix(""))
    return pytest.param(path, id=name, marks=[pytest.mark.guide(*ids)] if ids else [])


@pytest.mark.parametrize("path", [with_marks(path) for path in FILES])
def test_transcript(path):
    play(path.read_text(), path.name)
