"""SMTP sessions by the thousand: short ones one after the other, idle ones all at once.

Runs in processes of its own, so that the clients' work does not wait for the benchmark's.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

AT_ONCE = 20
GREETING_ONLY = (b"EHLO mail.far.test\r\n", b"QUIT\r\n")
ENVELOPE = (
    b"EHLO mail.far.test\r\n",
    b"MAIL FROM:<carl@far.test>\r\nRCPT TO:<1u@bench.test>\r\nRSET\r\n",
    b"QUIT\r\n",
)
_PROCESS = multiprocessing.get_context("spawn")


class _Talk(asyncio.Protocol):
    """Says its lines, each when the one before was answered as often as it has commands."""

    def __init__(self, script: tuple[bytes, ...], done: asyncio.Future[None]) -> None:
        self._script, self._done, self._at, self._waits_for = script, done, 0, 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waits_for -= sum(1 for line in data.splitlines() if line[3:4] == b" ")
        if self._waits_for > 0 or self._at == len(self._script):
            return
        line = self._script[self._at]
        self._at += 1
        self._waits_for = line.count(b"\n")
        self._transport.write(line)  # type: ignore[attr-defined]

    def connection_lost(self, trouble: Exception | None) -> None:
        if self._done.done():
            return
        if self._at < len(self._script):
            self._done.set_exception(ConnectionError("the session ended early"))
        else:
            self._done.set_result(None)


async def _talk_often(port: int, count: int, script: tuple[bytes, ...]) -> None:
    loop, left = asyncio.get_running_loop(), iter(range(count))

    async def one_after_the_other() -> None:
        for _ in left:
            done = loop.create_future()
            await loop.create_connection(lambda done=done: _Talk(script, done), "127.0.0.1", port)
            await done

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE // 2)))


def _talk_process(port: int, count: int, script: tuple[bytes, ...], start: Any) -> None:
    import uvloop

    start.wait(30)
    uvloop.run(_talk_often(port, count, script))


def talk(port: int, count: int, script: tuple[bytes, ...] = GREETING_ONLY) -> float:
    """Seconds that `count` sessions took, by two processes with ten at a time each."""
    start = _PROCESS.Barrier(3)
    work = (port, count // 2, script, start)
    processes = [_PROCESS.Process(target=_talk_process, args=work) for _ in range(2)]
    for one in processes:
        one.start()
    start.wait(30)
    begun = time.perf_counter()
    for one in processes:
        one.join()
    spent = time.perf_counter() - begun
    if any(one.exitcode for one in processes):
        raise SystemExit(f"sessions with port {port} went wrong")
    return spent


@contextmanager
def idle(port: int, count: int, *, tls: bool) -> Iterator[float]:
    """`count` sessions that said EHLO (behind STARTTLS if `tls`) and wait. Gives the seconds it took."""
    ours, theirs = _PROCESS.Pipe()
    process = _PROCESS.Process(target=_idle_process, args=(port, count, tls, theirs))
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(60)


def _idle_process(port: int, count: int, tls: bool, told: Connection) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, count + 200), most))
    asyncio.run(_stay(port, count, tls, told))


async def _stay(port: int, count: int, tls: bool, told: Connection) -> None:
    gate, begun = asyncio.Semaphore(50), time.perf_counter()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    async def one() -> asyncio.StreamWriter:
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
            await _reply(reader)
            await _ask(reader, writer, b"EHLO mail.far.test\r\n")
            if tls:
                await _ask(reader, writer, b"STARTTLS\r\n")
                await writer.start_tls(context)
                await _ask(reader, writer, b"EHLO mail.far.test\r\n")
            return writer

    held = await asyncio.gather(*(one() for _ in range(count)))
    told.send(time.perf_counter() - begun)
    await asyncio.get_running_loop().run_in_executor(None, _wait_for_end, told)
    for writer in held:
        writer.transport.abort()


def _wait_for_end(told: Connection) -> None:
    try:
        told.recv()
    except EOFError:
        return


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line)
    await _reply(reader)


async def _reply(reader: asyncio.StreamReader) -> None:
    while (line := await reader.readline())[3:4] == b"-":
        pass
    if line[:1] != b"2":
        raise SystemExit(f"unexpected: {line!r}")
