"""Every transcript in transcript_files/: what a client says and hears (see transcripts.py)."""

from pathlib import Path

import pytest

from tests.mta.transcripts import play, read_head

FILES = sorted(Path(__file__).parent.glob("transcript_files/**/*.txt"))


def with_marks(path):
    ids = read_head(path.read_text()).get("guide", "").split()
    return pytest.param(path, id=path.stem, marks=[pytest.mark.guide(*ids)] if ids else [])


@pytest.mark.parametrize("path", [with_marks(path) for path in FILES])
def test_transcript(path):
    play(path.read_text(), path.name)
