"""Connections to the scanning services: HOST:PORT or a path, always bounded in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

CHUNK = 128 * 1024

Parts = Sequence[bytes]
"""A message in pieces, which are never joined only to be sent."""


class NoAnswer(Exception):
    """The service gave no answer that can be used; the text says why."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds: to get a connection, and for the whole check with everything in it."""

    connect: float = 5.0
    total: float = 60.0


LIMITS = TimeLimits()


@asynccontextmanager
async def scan_stream(
    endpoint: str, limits: TimeLimits
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that is gone at the end, whatever is still unsent. Raises NoAnswer.

    `endpoint` is HOST:PORT, [IPv6]:PORT, or a path that begins with a slash.
    """
    try:
        async with asyncio.timeout(limits.total):
            reader, writer = await _connect(endpoint, limits.connect)
            try:
                yield reader, writer
            finally:
                # Not close(): that would wait for a peer that reads nothing.
                writer.transport.abort()
    except TimeoutError:
        raise NoAnswer(f"no answer within {limits.total:g} s") from None
    except asyncio.IncompleteReadError:
        raise NoAnswer("closed the connection before the answer was complete") from None
    except asyncio.LimitOverrunError:
        raise NoAnswer("answered with a line that has no end") from None
    except OSError as error:
        raise NoAnswer(error.strerror or type(error).__name__) from None


async def _connect(endpoint: str, seconds: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = endpoint.rpartition(":")
    try:
        async with asyncio.timeout(seconds):
            if endpoint.startswith("/"):
                return await asyncio.open_unix_connection(endpoint)
            return await asyncio.open_connection(host.strip("[]"), int(port))
    except ValueError:
        raise NoAnswer(f"{endpoint} is neither HOST:PORT nor a path") from None
    except TimeoutError:
        raise NoAnswer(f"no connection within {seconds:g} s") from None
    except OSError as error:
        raise NoAnswer(f"no connection: {error.strerror or error}") from None


def pieces(parts: Parts) -> list[memoryview]:
    """The message in pieces of at most CHUNK bytes, none of them empty."""
    views = [memoryview(part) for part in parts]
    return [view[at : at + CHUNK] for view in views for at in range(0, len(view), CHUNK)]


def visible(answer: bytes) -> str:
    """For log, reply and header: one line of visible ASCII, not too long."""
    text = answer[:200].decode("ascii", "replace")
    return "".join(char if 32 <= ord(char) < 127 else "_" for char in text)
