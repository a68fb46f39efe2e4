"""A client of ClamAV's clamd: the message goes over the connection (INSTREAM), no file is shared."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from heliosphere.mta.adapters.filters.scan_stream import (
    LIMITS,
    NoAnswer,
    Parts,
    TimeLimits,
    pieces,
    scan_stream,
    visible,
)
from heliosphere.mta.rules.content.results import Clean, Infected, TooBig, Unavailable, VirusResult

_FOUND = re.compile(rb"stream: (.+) FOUND\Z")
_CLEAN = b"stream: OK"
_TOO_BIG = b"INSTREAM size limit exceeded"


@dataclass(frozen=True, slots=True)
class Clamd:
    """The VirusScanner port. One connection a message: clamd has nothing to keep between two."""

    endpoint: str
    limits: TimeLimits = LIMITS

    async def scan(self, message: Parts) -> VirusResult:
        """Never raises for trouble with clamd and never takes longer than twice what the limits say.

        A clamd that finds a message too long says so and hangs up; what it said can be lost with the
        connection, so a broken one is tried once more.
        """
        result = await self._try(message)
        return await self._try(message) if isinstance(result, Unavailable) and result.broken else result

    async def _try(self, message: Parts) -> VirusResult:
        try:
            async with scan_stream(self.endpoint, self.limits) as (reader, writer):
                return _read_verdict(await _exchange(reader, writer, message))
        except NoAnswer as trouble:
            return Unavailable(str(trouble), broken=isinstance(trouble.__context__, ConnectionError))

    async def answers(self) -> bool:
        """PING."""
        try:
            async with scan_stream(self.endpoint, self.limits) as (reader, writer):
                writer.write(b"zPING\0")
                return await reader.readuntil(b"\0") == b"PONG\0"
        except NoAnswer:
            return False


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: Parts) -> bytes:
    """clamd may answer early, when it has read enough to say no, and then closes."""
    answer = asyncio.create_task(reader.readuntil(b"\0"))
    try:
        # A broken pipe is not the end: the answer that explains it may be here already.
        with suppress(ConnectionError):
            await _send(writer, message, answer.done)
        return await answer
    finally:
        if not answer.cancel() and not answer.cancelled():
            answer.exception()  # looked at, or asyncio complains that nobody did


async def _send(writer: asyncio.StreamWriter, message: Parts, is_answered: Callable[[], bool]) -> None:
    writer.write(b"zINSTREAM\0")
    for piece in pieces(message):
        if is_answered():
            return
        writer.write(len(piece).to_bytes(4, "big"))
        writer.write(piece)
        await writer.drain()
    writer.write(bytes(4))
    await writer.drain()


def _read_verdict(answer: bytes) -> VirusResult:
    answer = answer.rstrip(b"\0\r\n")
    if answer == _CLEAN:
        return Clean()
    if found := _FOUND.match(answer):
        return Infected(visible(found[1]))
    if answer.startswith(_TOO_BIG):
        return TooBig()
    return Unavailable(f"clamd says: {visible(answer)}")
