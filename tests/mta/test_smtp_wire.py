"""SMTP bytes: the same answers and the same message wherever the network cuts the stream."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.rules.addresses import Address, parse_address, parse_path
from heliosphere.mta.rules.headers import count_hops
from heliosphere.mta.rules.session import Client, SmtpPolicy
from heliosphere.mta.wire.smtp_commands import parse_mail, parse_rcpt
from heliosphere.mta.wire.smtp_lines import BareLineFeed, DataReader, LineReader, LineTooLong, stuff
from heliosphere.mta.wire.smtp_server import SmtpServer
from tests.mta.transcripts import World, Zone, serve

LINES = st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line), max_size=8)
NOISE = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"x", b"\r\n.\r\n", b"QUIT"])).map(b"".join)


def pieces_of(data, cuts):
    borders = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(borders)]


def read_all(data, cuts):
    reader, rest = DataReader(), b""
    for piece in pieces_of(data, cuts):
        if reader.is_complete:
            rest += piece
        else:
            rest = reader.feed(piece)
    return reader, rest


CUTS = st.lists(st.integers(0, 200), max_size=12)


@given(LINES, CUTS)
def test_a_message_comes_out_as_it_was_stuffed(lines, cuts):
    message = b"".join(line + b"\n" for line in lines)
    reader, rest = read_all(stuff(message) + b"QUIT\r\n", cuts)
    assert reader.is_complete
    # An empty message cannot be told from one empty line; ours stays empty.
    assert reader.message() == (message or b"\n")
    assert rest == b"QUIT\r\n"


@given(NOISE, CUTS)
def test_where_the_stream_is_cut_changes_nothing(data, cuts):
    def outcome(cuts):
        try:
            reader, rest = read_all(data, cuts)
        except BareLineFeed:
            return "bare"
        return (reader.is_complete, reader.message(), rest) if reader.is_complete else "more"

    whole, cut = outcome([]), outcome(cuts)
    if whole == "bare" or cut == "bare":
        # A bare line feed behind the end of the message is the next command's trouble.
        assert whole in ("bare", "more") or whole == cut
    else:
        assert whole == cut


@given(NOISE)
def test_only_crlf_dot_crlf_ends_a_message(data):
    try:
        reader, _ = read_all(data, [])
    except BareLineFeed:
        assert b"\n" in data.replace(b"\r\n", b"")
        return
    assert reader.is_complete == ((b"\r\n" + data).find(b"\r\n.\r\n") >= 0)


@pytest.mark.parametrize(
    "dot", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\r.\r\n"]
)
def test_no_odd_dot_smuggles_a_second_message(dot):
    data = b"hello" + dot + b"MAIL FROM:<evil@far.test>\r\n.\r\n"
    for size in range(1, len(data)):
        try:
            reader, rest = read_all(data, range(0, len(data), size))
        except BareLineFeed:
            continue
        assert not reader.is_complete or rest == b""


@given(LINES, CUTS)
def test_command_lines_do_not_depend_on_cuts(lines, cuts):
    data = b"".join(line.replace(b"\r", b"") + b"\r\n" for line in lines)
    reader, found = LineReader(), []
    for piece in pieces_of(data, cuts):
        reader.buffer += piece
        while (line := reader.next_line()) is not None:
            found.append(line)
    assert found == [line.replace(b"\r", b"") for line in lines]


@given(CUTS)
def test_a_long_line_is_skipped_once_and_the_next_is_read(cuts):
    data = b"x" * 150 + b"\r\nNOOP\r\n"
    reader, found, too_long = LineReader(), [], 0
    for piece in pieces_of(data, cuts):
        reader.buffer += piece
        while True:
            try:
                line = reader.next_line(limit=100)
            except LineTooLong:
                too_long += 1
                continue
            if line is None:
                break
            found.append(line)
    assert (found, too_long) == ([b"NOOP"], 1)


def test_a_message_over_the_limit_is_not_kept_in_memory():
    reader = DataReader(limit=10)
    for _ in range(1000):
        reader.feed(b"x" * 1000)
    assert reader.is_too_big
    assert reader.message() == b""


@given(st.text())
def test_any_path_is_an_address_or_refused(text):
    parse_path(text)
    found = parse_address(text)
    if found is not None:
        assert parse_address(str(found)) == found


@given(st.text())
def test_any_mail_or_rcpt_argument_is_understood_or_refused(text):
    parse_mail("FROM:" + text)
    parse_rcpt("TO:" + text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("<joe@One.Test>", Address("joe", "one.test")), ("<>", Address("", "")),
        ('<"a b"@x.test>', Address("a b", "x.test")), ('<"a>b"@x.test>', Address("a>b", "x.test")),
        ("<@a,@b:joe@x.test>", Address("joe", "x.test")), ("joe@x.test", Address("joe", "x.test")),
        ("<postmaster>", Address("postmaster", "")), ("<a@b@c.test>", Address("a@b", "c.test")),
    ],
)  # fmt: skip
def test_addresses(text, address):
    found = parse_path(text)
    assert found is not None
    assert found[0] == address


@given(st.binary(max_size=400), CUTS)
def test_no_bytes_crash_the_session(data, cuts):
    server = SmtpServer(Client("127.0.0.1", True, True), SmtpPolicy("mx.test", "mx.test", smtpauth=True))
    world = World(Zone(), {"a@x": ""})
    server.greet()
    for piece in pieces_of(data, cuts):
        server.feed(piece)
        serve(server, world)
    assert bytes(server.output).endswith(b"\r\n")


def test_hops_are_counted_in_the_header_only():
    assert count_hops(b"Received: a\nDelivered-To: b\nX: c\n\nReceived: no\n") == 2
