"""A client of SpamAssassin's spamd (protocol SPAMC/1.5).

SYMBOLS is asked: it brings score, threshold and the names of the rules, which is all that is needed to
mark a message; the message itself does not travel back.
"""

from __future__ import annotations

import asyncio
import math
import re
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
from heliosphere.mta.rules.content.results import SpamResult, SpamScore, Unavailable

MAX_ANSWER = 64 * 1024
_STATUS = re.compile(rb"SPAMD/\d+\.\d+ (\d+) ?(.*)\Z", re.DOTALL)
_SPAM = re.compile(rb"spam: *(true|false) *; *(-?[\d.]+) */ *(-?[\d.]+) *\Z", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_]{1,128}\Z")


@dataclass(frozen=True, slots=True)
class Spamd:
    """The SpamScanner port. spamd serves one message a connection."""

    endpoint: str
    limits: TimeLimits = LIMITS

    async def check(self, message: Parts, user: str = "") -> SpamResult:
        """Never raises for trouble with spamd and never takes longer than the limits say.

        `user` names the preferences to apply, empty for the server's own.
        """
        try:
            async with scan_stream(self.endpoint, self.limits) as (reader, writer):
                exchange = _Exchange(reader, writer)
                return await exchange.run(message, user)
        except NoAnswer as trouble:
            return Unavailable(str(trouble))

    async def answers(self) -> bool:
        """PING."""
        try:
            async with scan_stream(self.endpoint, self.limits) as (reader, writer):
                writer.write(b"PING SPAMC/1.5\r\n\r\n")
                return b" PONG" in await reader.readuntil(b"\n")
        except NoAnswer:
            return False


@dataclass(frozen=True, slots=True)
class _Exchange:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def run(self, message: Parts, user: str) -> SpamResult:
        await self._send(message, user)
        status = _STATUS.match((await self.reader.readuntil(b"\n")).rstrip(b"\r\n"))
        if status is None:
            raise NoAnswer("the answer is not spamd's")
        if status[1] != b"0":
            raise NoAnswer(f"spamd says: {visible(status[2])}")
        verdict = await self._verdict()
        names = visible_names(await self._body())
        return SpamScore(verdict.score, verdict.threshold, verdict.is_spam, names)

    async def _send(self, message: Parts, user: str) -> None:
        length = sum(map(len, message))
        head = f"SYMBOLS SPAMC/1.5\r\nContent-length: {length}\r\n"
        if user:
            head += f"User: {user}\r\n"
        self.writer.write(f"{head}\r\n".encode("ascii"))
        for piece in pieces(message):
            self.writer.write(piece)
            await self.writer.drain()

    async def _verdict(self) -> SpamScore:
        """From the header fields, up to the empty line."""
        found: SpamScore | None = None
        size = 0
        while line := (await self.reader.readuntil(b"\n")).rstrip(b"\r\n"):
            size += len(line)
            if size > MAX_ANSWER:
                raise NoAnswer("the answer has no end")
            if spam := _SPAM.match(line):
                found = _score(spam)
        if found is None:
            raise NoAnswer("the answer has no score")
        return found

    async def _body(self) -> bytes:
        body = b""
        while len(body) < MAX_ANSWER and (more := await self.reader.read(MAX_ANSWER)):
            body += more
        return body


def visible_names(body: bytes) -> tuple[str, ...]:
    """The rules that hit; what does not look like one is left out."""
    words = body[:MAX_ANSWER].decode("ascii", "replace").replace("\r", ",").replace("\n", ",").split(",")
    return tuple(word for word in map(str.strip, words) if _NAME.match(word))


def _score(spam: re.Match[bytes]) -> SpamScore:
    try:
        score, threshold = float(spam[2]), float(spam[3])
    except ValueError:
        raise NoAnswer(f"the answer has no score: {visible(spam[0])}") from None
    if not math.isfinite(score) or not math.isfinite(threshold):
        raise NoAnswer(f"the answer has no score: {visible(spam[0])}")
    return SpamScore(score, threshold, spam[1].lower() == b"true")
