"""The wire: commands, a whole session, message data, the PROXY header."""

from __future__ import annotations

from itertools import pairwise

from heliosphere.mta.rules.addresses import parse_address, parse_path
from heliosphere.mta.rules.checks.check import Wait
from heliosphere.mta.wire.proxy_protocol import BadHeader, read_header
from heliosphere.mta.wire.smtp_commands import (
    decode_base64,
    parse_bdat,
    parse_mail,
    parse_rcpt,
    split_command,
    split_plain,
)
from heliosphere.mta.wire.smtp_lines import (
    BareLineFeed,
    ChunkReader,
    DataReader,
    LenientDataReader,
    MessageReader,
)
from heliosphere.mta.wire.smtp_questions import StartTls
from tests.mta.transcripts import open_session

WORDS = (
    b"EHLO client.test\r\n", b"HELO [192.0.2.5]\r\n", b"MAIL FROM:<carl@far.test>", b" SIZE=100",
    b" BODY=8BITMIME",
    b" SMTPUTF8", b"MAIL FROM:<>\r\n", b"RCPT TO:<alice@one.test>\r\n", b"RCPT TO:<full@one.test>\r\n",
    b"RCPT TO:<", b"@one.test>", b"\"quo ted\"", b"\\", b"DATA\r\n", b"Subject: x\r\n\r\n", b"\r\n.\r\n",
    b".\r\n", b"..", b"BDAT 5\r\n", b"BDAT 0 LAST\r\n", b"abcde", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n",
    b"AUTH PLAIN ", b"AUTH LOGIN\r\n", b"AUTH CRAM-MD5\r\n", b"AUTH SCRAM-SHA-256 ", b"AGJvYgBzZWNyZXQ=\r\n",
    b"*\r\n", b"STARTTLS\r\n", b"VRFY x\r\n", b"\r\n", b"\n", b"\r", b"\0", b"\xc3\xbc", b"\xff", b" ",
    b"<", b">", b",",
)  # fmt: skip
DATA_WORDS = (b"\r\n.\r\n", b"\r\n", b"\n", b"\r", b".", b"..", b"\n.\n", b"\r.\r", b"\0", b"word", b"\xff")
PROXY_WORDS = (
    b"PROXY ", b"TCP4 ", b"TCP6 ", b"UNKNOWN", b"192.0.2.1 ", b"2001:db8::1 ", b"25 ", b"2525", b"\r\n",
    b"\r\n\r\n\0\r\nQUIT\n", b"\x21\x11\x00\x0c", b"\x20\x00\x00\x00", b"\x21\x21\x00\x24",
    b"\x7f\0\0\1", b"\0" * 16,
)  # fmt: skip

HEADS = (
    {"mailboxes": "alice@one.test full@one.test=full", "logins": "bob@one.test=secret",
     "controls": "smtpauth=1 databytes=2000 maxrecipients=3 tarpitcount=2 userchk=1 uquotacheck=1",
     "authmethods": "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256",
     "zone": "far.test MX 10 mx.far.test; far.test TXT v=spf1 -all"},
    {"mailboxes": "alice@one.test", "client": "192.0.2.5 submission tls", "logins": "bob@one.test=secret",
     "controls": "newline=1 stricthelocheck=1 lowercase=1 stripsinglequotes=1 mfdnscheck=1 helodnscheck=1"},
    {"mailboxes": "alice@one.test closed@one.test=closed", "client": "127.0.0.1",
     "controls": "spfbehavior=6 noathost=1 quitasap=1 greylist=1 maxwrongrcpt=2",
     "badmailpatterns": "*@*.junk.test | !x*@one.junk.test", "badhelo": "! | . | *.bad.test",
     "badmailfrom": "@two.test", "blackholedsender": "*!*", "spp-mail": "E550 no", "rblhosts": "list.test"},
)  # fmt: skip
"""The worlds that sessions are tried in; STARTTLS is left out: what comes in one piece with it is dropped
on purpose."""


def pieces(data: bytes) -> list[bytes]:
    """The same bytes cut in places that they themselves name."""
    step = data[0] % 7 + 1 if data else 1
    cuts = [*range(0, len(data), step), len(data)]
    return [data[start:end] for start, end in pairwise(cuts)]


def try_session(data: bytes) -> None:
    """Answers are well-formed, and the same whether the bytes come as one or in pieces."""
    head = HEADS[data[-1] % len(HEADS)] if data else HEADS[0]
    whole, kept = _talk(head, [data])
    assert (whole, kept) == _talk(head, pieces(data))
    for line in whole.split(b"\r\n")[:-1]:
        assert line[:3].isdigit(), whole
        assert line[3:4] in (b" ", b"-"), whole
        assert b"\n" not in line, whole
        assert b"\r" not in line, whole
    assert whole.endswith(b"\r\n") or not whole


def _talk(head: dict[str, str], parts: list[bytes]) -> tuple[bytes, list[tuple[str, list[str], bytes]]]:
    """What was said, and the messages that were taken."""
    server, world = open_session(head)
    world.controls = None  # what is done with a message is not the wire's business
    said = bytearray()

    def answer_all() -> None:
        while server.question is not None and not server.is_closing:
            assert not isinstance(server.question, StartTls)
            server.answer(None if isinstance(server.question, Wait) else world.answer(server.question))
        said.extend(server.output)
        server.output.clear()

    server.greet()
    answer_all()
    for part in parts:
        server.feed(part)
        answer_all()
    taken = [(str(one.sender), [str(to) for to in one.recipients], one.message) for one in world.accepted]
    return bytes(said), taken


def try_commands(data: bytes) -> None:
    """An address that was read can be written and read again."""
    verb, argument = split_command(data)
    assert verb == verb.upper()
    mail = parse_mail(argument)
    recipient = parse_rcpt(argument)
    parse_bdat(argument)
    plain = decode_base64(argument)
    if plain is not None:
        split_plain(plain)
    text = data.decode("utf-8", "surrogateescape")
    path = parse_path(text)
    found = [mail.sender if mail else None, recipient, path[0] if path else None, parse_address(text)]
    for address in found:
        if address is not None:
            assert parse_address(str(address)) is not None, address
            assert str(parse_address(str(address))) == str(address)


def try_data(data: bytes) -> None:
    """The end is found in the same place however the bytes are cut, and no line end is ever made up."""
    for kind in (DataReader, LenientDataReader):
        for limit in (0, 20):
            assert _read(kind(limit), [data]) == _read(kind(limit), pieces(data)), kind.__name__
    whole = _read(DataReader(), [data])
    if whole is not None and whole[0]:
        assert data.startswith(b".\r\n") or b"\r\n.\r\n" in data
        assert data.endswith(whole[2])


def _read(reader: MessageReader, parts: list[bytes]) -> tuple[bool, bytes, bytes] | None:
    """Whether it is complete, the message, what follows; None for a line feed that may not be."""
    try:
        for number, part in enumerate(parts):
            rest = reader.feed(part)
            if reader.is_complete:
                message = b"" if reader.is_too_big else reader.message()
                return True, message, rest + b"".join(parts[number + 1 :])
    except BareLineFeed:
        return None
    return False, b"", b""


def try_chunks(data: bytes) -> None:
    """BDAT: as many bytes as were announced, neither more nor less."""
    size = data[0] if data else 0
    body = data[1:]
    for lenient in (False, True):
        results = []
        for parts in ([body], pieces(body)):
            reader = ChunkReader(takes_bare_lf=lenient)
            reader.expect(size, is_last=True)
            try:
                rest = b"".join(reader.feed(part) for part in parts)
            except BareLineFeed:
                results.append(None)
                continue
            assert reader.is_chunk_complete == (len(body) >= size)
            results.append((rest, reader.message() if reader.is_complete else b""))
        assert results[0] == results[1]


def try_proxy_header(data: bytes) -> None:
    """Complete at the same byte however it comes; never more is taken than is there."""
    whole = _header(data)
    for length in range(len(data)):
        part = _header(data[:length])
        if part is not None:
            assert part == whole
            break


def _header(data: bytes) -> object:
    try:
        found = read_header(data)
    except BadHeader:
        return "bad"
    assert found is None or found.length <= len(data)
    return found
