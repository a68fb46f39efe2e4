"""End of data, every odd form of it, cut at every place: never does a second message come out of one."""

import itertools

import pytest

from heliosphere.mta.rules.session import Client, SmtpPolicy
from heliosphere.mta.wire.smtp_server import SmtpServer
from tests.mta.transcripts import World, Zone, serve

EVIL = b"MAIL FROM:<evil@far.test>\r\nRCPT TO:<bob@one.test>\r\nDATA\r\nsmuggled\r\n.\r\n"
ENDS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\n\n", b"\0\r\n", b""]
DOTS = [before + b"." + after for before, after in itertools.product(ENDS, ENDS)]
STRICT_ENDS = {b"\r\n.\r\n", b"\r\r\n.\r\n", b"\0\r\n.\r\n"}
"""What ends a message by the rules: CR or NUL before CRLF are part of the last line."""


def session(newline):
    policy = SmtpPolicy("mx.one.test", "mx.one.test", newline=newline)
    server = SmtpServer(Client("192.0.2.5", False), policy)
    world = World(Zone(), {"alice@one.test": "", "bob@one.test": ""})
    server.greet()
    for line in (b"MAIL FROM:<x@far.test>", b"RCPT TO:<alice@one.test>"):
        server.feed(line + b"\r\n")
        serve(server, world)
    return server, world


def feed(server, world, pieces):
    for piece in pieces:
        server.feed(piece)
        serve(server, world)
    return [(str(one.sender), one.message) for one in world.accepted], server.is_closing


def splits(data):
    """The whole, two pieces at every place, and byte by byte."""
    yield (data,)
    for at in range(1, len(data)):
        yield data[:at], data[at:]
    yield tuple(data[at : at + 1] for at in range(len(data)))


def senders(accepted):
    return [sender for sender, _ in accepted]


@pytest.mark.guide("MAIL-CTL-055", "MAIL-CTL-056")
@pytest.mark.parametrize("dot", [one for one in DOTS if one not in STRICT_ENDS])
def test_no_odd_dot_ends_a_message(dot):
    data = b"DATA\r\nhello" + dot + EVIL
    outcomes = set()
    for pieces in splits(data):
        accepted, closed = feed(*session(newline=False), pieces)
        assert "evil@far.test" not in senders(accepted)
        assert all(sender == "x@far.test" for sender in senders(accepted))
        outcomes.add((tuple(accepted), closed))
    assert len(outcomes) == 1, "where the network cuts must not matter"


@pytest.mark.parametrize("dot", sorted(STRICT_ENDS))
def test_the_right_dot_ends_it_wherever_it_is_cut(dot):
    outcomes = {
        str(feed(*session(newline=False), pieces)) for pieces in splits(b"DATA\r\nhello" + dot + EVIL)
    }
    assert len(outcomes) == 1
    assert "smuggled" in outcomes.pop()  # what follows are commands, and honestly so


LENIENT_ENDS = {b"\n.\n", b"\r\n.\r\n"}


def ends_with_newline(dot):
    """Line ends of one kind on both sides; what stands before or behind them is other lines."""
    before, _, after = dot.partition(b".")
    start = b"\r\n" if before.endswith(b"\r\n") else b"\n" if before.endswith(b"\n") else None
    end = b"\r\n" if after.startswith(b"\r\n") else b"\n" if after.startswith(b"\n") else None
    return start is not None and start == end


@pytest.mark.guide("MAIL-CTL-055")
@pytest.mark.parametrize("dot", [one for one in DOTS if not ends_with_newline(one)])
def test_no_mixed_dot_ends_a_message_where_bare_line_feeds_are_taken(dot):
    outcomes = set()
    for pieces in splits(b"DATA\r\nhello" + dot + EVIL):
        accepted, closed = feed(*session(newline=True), pieces)
        assert "evil@far.test" not in senders(accepted)
        outcomes.add((tuple(accepted), closed))
    assert len(outcomes) == 1


@pytest.mark.parametrize("dot", sorted(LENIENT_ENDS))
def test_a_dot_between_two_ends_of_a_kind_ends_it_there(dot):
    for pieces in splits(b"DATA\r\nhello" + dot):
        accepted, _ = feed(*session(newline=True), pieces)
        assert accepted == [("x@far.test", b"hello\n")]


@pytest.mark.parametrize("newline", [False, True])
@pytest.mark.parametrize("dot", [b"\r\n.\r\n", b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n..\r\n"])
def test_a_chunk_is_counted_whatever_is_in_it(dot, newline):
    body = b"hello" + dot + b"MAIL FROM:<evil@far.test>\r\n"
    outcomes = set()
    for pieces in splits(b"BDAT %d LAST\r\n%sNOOP\r\n" % (len(body), body)):
        accepted, closed = feed(*session(newline), pieces)
        assert "evil@far.test" not in senders(accepted)
        if accepted:
            assert accepted[0][1] == body.replace(b"\r\n", b"\n")
        else:
            assert closed
            assert not newline
        outcomes.add((tuple(accepted), closed))
    assert len(outcomes) == 1


@pytest.mark.parametrize("at", range(1, 40))
def test_two_chunks_cut_at_any_place_are_one_message(at):
    body = b"one\r\n.\r\n..two\rthree\r\r\nfour\r\nfive\r\nsix\r\n"
    data = b"BDAT %d\r\n%sBDAT %d LAST\r\n%s" % (at, body[:at], len(body) - at, body[at:])
    for pieces in ((data,), tuple(data[place : place + 1] for place in range(len(data)))):
        accepted, _ = feed(*session(newline=False), pieces)
        assert accepted == [("x@far.test", body.replace(b"\r\n", b"\n"))]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\n\r", b"\r\0\n"])
def test_commands_end_with_crlf_only(end):
    for pieces in splits(b"RSET" + end + EVIL):
        server, world = session(newline=False)
        accepted, _ = feed(server, world, pieces)
        # After a bare line feed nothing is obeyed; other signs are part of the command line.
        assert accepted == [] or b"\n" not in end


def test_a_refused_chunk_is_read_over_and_not_kept():
    server, _ = session(newline=False)
    server.feed(b"RSET\r\nBDAT 1000000 LAST\r\n")
    for _ in range(999):
        server.feed(b"x" * 1000)
    assert len(server.session.chunks[0].message()) == 0
    server.output.clear()
    server.feed(b"x" * 1000 + b"NOOP\r\n")
    assert bytes(server.output).split(b"\r\n")[0].startswith(b"503 5.5.1")
    assert bytes(server.output).split(b"\r\n")[1].startswith(b"250")
