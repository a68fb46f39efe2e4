"""Every transcript in transcript_files/: what a client says and hears (see transcripts.py)."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.contracts.controls import REGISTRY
from tests.mta.transcripts import open_session, play, read_head, serve

HERE = Path(__file__).parent / "transcript_files"
FILES = sorted(HERE.glob("**/*.txt"))


def with_marks(path):
    ids = read_head(path.read_text()).get("guide", "").split()
    name = str(path.relative_to(HERE).with_suffix(""))
    return pytest.param(path, id=name, marks=[pytest.mark.guide(*ids)] if ids else [])


@pytest.mark.parametrize("path", [with_marks(path) for path in FILES])
def test_transcript(path):
    play(path.read_text(), path.name)


LONGEST = 3000
"""Characters of a transcript that is worth playing byte by byte."""


def test_there_are_enough():
    assert len(FILES) >= 300


@pytest.mark.parametrize("folder", sorted(path.name for path in HERE.iterdir()))
@pytest.mark.parametrize("piece", [1, 7])
def test_no_answer_depends_on_where_the_network_cuts(folder, piece):
    for path in sorted((HERE / folder).glob("*.txt")):
        text = path.read_text()
        if len(text) < LONGEST:
            play(text, path.name, piece)


COMMANDS = st.sampled_from(
    ["EHLO c.test", "HELO", "MAIL FROM:<x@far.test>", "MAIL FROM:<>",
    "MAIL FROM:<x@far.test> SIZE=9 BODY=8BITMIME",
     "RCPT TO:<alice@one.test>", "RCPT TO:<nobody@one.test>", "RCPT TO:<joe@other.test>", "DATA", "hello",
     ".", "RSET",
     "BDAT 4", "BDAT 0 LAST", "AUTH PLAIN", "AUTH LOGIN", "*", "AGFsaWNlQG9uZS50ZXN0AHNlY3JldA==",
     "STARTTLS", "NOOP",
     "VRFY", "QUIT", "MAIL FROM:<j\u00f6rg@far.test> SMTPUTF8", "RCPT TO:<'x'@one.test>"]
)  # fmt: skip
FLAGS = sorted(one.name for one in REGISTRY if one.kind == "flag")


@given(st.lists(COMMANDS, max_size=14), st.sets(st.sampled_from(FLAGS), max_size=5), st.booleans())
def test_any_commands_in_any_order_get_answers_that_can_be_read(commands, flags, may_relay):
    head = {
        "controls": " ".join(f"{name}=1" for name in sorted(flags)), "mailboxes": "alice@one.test",
        "logins": "alice@one.test=secret", "client": "127.0.0.1", "badmailfrom": "@junk.test",
    }  # fmt: skip
    if may_relay:
        head["tcp"] = "RELAYCLIENT="
    server, world = open_session(head)
    server.greet()
    for command in commands:
        server.feed(command.encode() + b"\r\n")
        serve(server, world)
    lines = bytes(server.output).decode().split("\r\n")
    assert lines.pop() == ""
    assert all(line[:3].isdigit() and line[3:4] in (" ", "-") for line in lines)
    # Nobody but a client that may relay, by rule or by signing in, reaches others.
    for one in world.accepted:
        assert may_relay or one.login or all(to.domain == "one.test" for to in one.recipients)
