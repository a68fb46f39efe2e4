"""The clients of clamd and spamd: real daemons, and ones that are silent, slow, gone or talk nonsense."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator

import pytest

from heliosphere.mta.adapters.filters.clamd import Clamd
from heliosphere.mta.adapters.filters.scan_stream import TimeLimits
from heliosphere.mta.adapters.filters.spamd import Spamd
from heliosphere.mta.rules.content.results import Clean, Infected, SpamScore, TooBig, Unavailable
from tests.mta.content import daemons
from tests.mta.content.samples import EICAR, LETTER, SPAM, VIRUS
from tests.mta.support import free_port

HASTY = TimeLimits(connect=0.5, total=0.6)
BIG = b"Subject: big\n\n" + b"many a line of text\n" * 200_000

pytestmark = pytest.mark.integration


# The real ones


@pytest.mark.guide("MAIL-AV-008")
async def test_clamd_finds_the_test_virus(clamd):
    client = Clamd(clamd.endpoint)
    assert await client.scan([VIRUS]) == Infected("Test.EICAR.UNOFFICIAL")
    assert await client.scan([LETTER]) == Clean()
    assert await client.scan([]) == Clean()


async def test_a_message_in_many_pieces_is_one_message(clamd):
    client = Clamd(clamd.endpoint)
    pieces = [b"", EICAR[:10], b"", *(bytes([byte]) for byte in EICAR[10:])]
    assert await client.scan(pieces) == Infected("Test.EICAR.UNOFFICIAL")
    assert await client.scan([BIG, BIG]) == Clean()


async def test_many_messages_at_the_same_time(clamd):
    client = Clamd(clamd.endpoint)
    found = await asyncio.gather(*(client.scan([VIRUS if n % 2 else LETTER]) for n in range(40)))
    assert found == [Infected("Test.EICAR.UNOFFICIAL") if n % 2 else Clean() for n in range(40)]


async def test_clamd_on_a_unix_socket(tmp_path):
    socket = tmp_path / "s"
    with daemons.clamd(tmp_path / "home", path=socket):
        assert await Clamd(str(socket)).scan([VIRUS]) == Infected("Test.EICAR.UNOFFICIAL")
        assert await Clamd(str(socket)).answers()


async def test_more_than_clamd_takes(tmp_path):
    with daemons.clamd(tmp_path / "home", more="StreamMaxLength 100K\n") as daemon:
        client = Clamd(daemon.endpoint)
        assert await client.scan([BIG]) == TooBig()
        assert await client.scan([VIRUS]) == Infected("Test.EICAR.UNOFFICIAL")


@pytest.mark.guide("MAIL-AV-008")
async def test_spamd_scores_mail(spamd):
    client = Spamd(spamd.endpoint)
    spam = await client.check([SPAM])
    assert isinstance(spam, SpamScore)
    assert spam.is_spam
    assert spam.score > 500
    assert spam.threshold == 5.0
    assert "GTUBE" in spam.rules
    letter = await client.check([LETTER[:50], LETTER[50:]])
    assert isinstance(letter, SpamScore)
    assert not letter.is_spam
    assert await client.answers()


async def test_spamd_applies_the_preferences_of_the_user(tmp_path, open_path):
    for name, threshold in {"bob": 2000, "anna": 3}.items():
        (open_path / name).mkdir()
        (open_path / name / "user_prefs").write_text(f"required_score {threshold}\n")
    user = "nobody" if os.geteuid() == 0 else tmp_path.owner()
    as_needed = ("--username", user, f"--virtual-config-dir={open_path}/%u")
    with daemons.spamd(tmp_path / "home", *as_needed) as daemon:
        client = Spamd(daemon.endpoint)
        bob, anna = await client.check([SPAM], "bob"), await client.check([SPAM], "anna")
    assert isinstance(bob, SpamScore)
    assert isinstance(anna, SpamScore)
    assert (bob.threshold, bob.is_spam) == (2000.0, False)
    assert (anna.threshold, anna.is_spam) == (3.0, True)


@pytest.mark.guide("MAIL-AV-028")
@pytest.mark.parametrize("kind", ["clamd", "spamd"])
async def test_a_daemon_that_was_restarted_is_used_again(tmp_path, kind):
    start, client_of = (daemons.clamd, Clamd) if kind == "clamd" else (daemons.spamd, Spamd)
    with start(tmp_path / "home") as daemon:
        client = client_of(daemon.endpoint)
        first = daemon.process.pid
        assert await client.answers()
        daemon.stop()
        assert not await client.answers()
        with daemons.running(list(daemon.process.args), daemon.endpoint, tmp_path / "again") as second:
            assert second.process.pid != first
            assert await client_of(daemon.endpoint).answers()


# The others


def clients(endpoint, limits=HASTY):
    return [Clamd(endpoint, limits).scan, Spamd(endpoint, limits).check]


@contextlib.asynccontextmanager
async def pretender(talk) -> AsyncIterator[str]:
    """A server on a free port; `talk(reader, writer)` is one conversation, cut off at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def session(reader, writer):
        tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(session, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def verdicts(endpoint, message=LETTER, limits=HASTY):
    """What both clients say, and that they say it in time."""
    found = []
    for ask in clients(endpoint, limits):
        begun = time.monotonic()
        found.append(await ask([message]))
        assert time.monotonic() - begun < limits.total + 2
    return found


def reasons(found):
    assert all(isinstance(one, Unavailable) for one in found), found
    return [one.reason for one in found]


async def test_nobody_listens():
    assert all(one.startswith("no connection") for one in reasons(await verdicts(f"127.0.0.1:{free_port()}")))
    assert all(one.startswith("no connection") for one in reasons(await verdicts("/nowhere/clamd.sock")))


async def test_an_endpoint_that_is_none():
    assert reasons(await verdicts("here")) == ["here is neither HOST:PORT nor a path"] * 2


@pytest.mark.parametrize("message", [LETTER, BIG], ids=["small", "bigger than all buffers"])
async def test_it_takes_the_connection_and_never_answers(message):
    async def talk(reader, writer):
        await asyncio.Event().wait()

    async with pretender(talk) as endpoint:
        assert reasons(await verdicts(endpoint, message)) == ["no answer within 0.6 s"] * 2


async def test_it_reads_all_and_never_answers():
    async def talk(reader, writer):
        while await reader.read(65536):
            pass
        await asyncio.Event().wait()

    async with pretender(talk) as endpoint:
        assert reasons(await verdicts(endpoint, BIG)) == ["no answer within 0.6 s"] * 2


async def test_it_hangs_up_at_once():
    async def talk(reader, writer):
        return

    async with pretender(talk) as endpoint:
        assert reasons(await verdicts(endpoint, BIG))


async def test_it_hangs_up_in_the_middle_of_the_answer():
    async def talk(reader, writer):
        await reader.read(100)
        writer.write(b"SPAMD/1.1 0 EX_OK\r\nSpa")
        await writer.drain()
        writer.write_eof()
        await asyncio.sleep(0.2)

    async with pretender(talk) as endpoint:
        assert reasons(await verdicts(endpoint))


@pytest.mark.parametrize(
    "answer",
    [b"\xff\xfe\x00nonsense\r\n\r\n\0", b"HTTP/1.1 400 Bad Request\r\n\r\n\0", b"\0", b"\r\n\0", b"OK\0",
     b"stream: FOUND\0", b"SPAMD/1.1 0 EX_OK\r\n\r\n", b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; x / 5\r\n\r\n",
     b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 1.2.3 / 5\r\n\r\n", b"SPAMD/1.1 76 Bad header line\r\n\r\n",
     b"x" * 300_000, b"SPAMD/1.1 0 EX_OK\r\n" + b"X: y\r\n" * 50_000],
)  # fmt: skip
async def test_it_answers_nonsense(answer):
    async def talk(reader, writer):
        await reader.read(100)
        writer.write(answer)
        await writer.drain()
        await asyncio.Event().wait()

    async with pretender(talk) as endpoint:
        assert reasons(await verdicts(endpoint))


async def test_it_sends_one_letter_at_a_time_without_end():
    async def talk(reader, writer):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with pretender(talk) as endpoint:
        assert reasons(await verdicts(endpoint)) == ["no answer within 0.6 s"] * 2


async def test_a_slow_answer_is_still_an_answer():
    async def talk(reader, writer):
        head = await reader.readuntil(b"\0" if (await reader.readexactly(1)) == b"z" else b"\n")
        answer = b"stream: OK\0"
        if b"SPAMC" in head:
            answer = b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; 1.5 / 5.0\r\n\r\nA_RULE,B_RULE\r\n"
        for byte in answer:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.01)

    async with pretender(talk) as endpoint:
        assert await verdicts(endpoint, limits=TimeLimits(1, 20)) == [
            Clean(), SpamScore(1.5, 5.0, False, ("A_RULE", "B_RULE")),
        ]  # fmt: skip


async def test_an_error_of_clamd_is_no_verdict():
    async def talk(reader, writer):
        await reader.read(100)
        writer.write(b"stream: Can't allocate memory ERROR\0")
        await writer.drain()
        await reader.read()

    async with pretender(talk) as endpoint:
        assert reasons([await Clamd(endpoint, HASTY).scan([LETTER])]) == [
            "clamd says: stream: Can't allocate memory ERROR"
        ]


@pytest.mark.parametrize("which", [0, 1])
async def test_a_check_that_is_given_up_ends_at_once(which):
    arrived, left = asyncio.Event(), asyncio.Event()

    async def talk(reader, writer):
        await reader.readexactly(5)
        arrived.set()
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                pass
        left.set()

    async with pretender(talk) as endpoint:
        task = asyncio.create_task(clients(endpoint, TimeLimits(30, 30))[which]([LETTER]))
        await asyncio.wait_for(arrived.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(left.wait(), 5)
