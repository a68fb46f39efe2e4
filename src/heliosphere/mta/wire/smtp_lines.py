"""Lines and message data of SMTP, cut from a byte stream.

CRLF is the only line end, unless the control `newline` also lets a bare LF be one.
"""

from __future__ import annotations

MAX_COMMAND = 1000
MAX_AUTH_LINE = 12288
"""RFC 4954, section 4."""

_END = b"\r\n.\r\n"


class BareLineFeed(Exception):
    """A line feed without a carriage return: the stuff message smuggling is made of."""


class LineTooLong(Exception):
    """The line is skipped; what follows can be read."""


class LineReader:
    """Cuts lines off a growing buffer."""

    __slots__ = ("_skipping", "buffer", "takes_bare_lf")

    def __init__(self, *, takes_bare_lf: bool = False) -> None:
        self.buffer = bytearray()
        self.takes_bare_lf = takes_bare_lf
        self._skipping = False

    def next_line(self, limit: int = MAX_COMMAND) -> bytes | None:
        """The next line without CRLF, or None until it is complete.

        Raises BareLineFeed, or LineTooLong once for each line over `limit` bytes.
        """
        end = self.buffer.find(b"\n")
        if end < 0:
            # The last byte may be the CR of the line end, which does not count.
            if len(self.buffer) - self.buffer.endswith(b"\r") > limit:
                del self.buffer[: len(self.buffer) - 1]
                self._skipping = True
            return None
        has_cr = end > 0 and self.buffer[end - 1] == 0x0D
        if not has_cr and not self.takes_bare_lf:
            raise BareLineFeed
        line = bytes(self.buffer[: end - 1 if has_cr else end])
        del self.buffer[: end + 1]
        if self._skipping or len(line) > limit:
            self._skipping = False
            raise LineTooLong
        return line

    def take_all(self) -> bytes:
        data = bytes(self.buffer)
        self.buffer.clear()
        return data


class MessageReader:
    """What the ways to send a message have in common: parts of it, its size so far and the limit.

    `size` counts each line end as one byte; past `limit` (0: none) nothing more is kept.
    """

    __slots__ = ("_chunks", "_limit", "is_complete", "size")

    def __init__(self, limit: int = 0) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self.size = 0
        self.is_complete = False

    @property
    def is_too_big(self) -> bool:
        return bool(self._limit) and self.size > self._limit

    def feed(self, data: bytes) -> bytes:
        """Take a chunk; return what follows the end of the message. Raises BareLineFeed."""
        raise NotImplementedError

    def message(self) -> bytes:
        return b"".join(self._chunks)

    def _store(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.is_too_big:
            self._chunks.clear()
        elif chunk:
            self._chunks.append(chunk)


class DataReader(MessageReader):
    """Collects the message after DATA: finds its end, removes dot stuffing, turns CRLF into LF.

    Works on whole chunks. A few bytes are held back at each border, so that no sequence that matters
    is ever cut.
    """

    __slots__ = ("_held", "_is_first")

    def __init__(self, limit: int = 0) -> None:
        super().__init__(limit)
        self._held = b"\r\n"  # the message begins at the start of a line
        self._is_first = True

    def feed(self, data: bytes) -> bytes:
        data = self._held + data
        end = data.find(_END)
        if end >= 0:
            self._keep(data[: end + 2])
            self.is_complete = True
            return data[end + 5 :]
        cut = max(0, len(data) - 4)
        if data[cut - 1 : cut] == b"\r":
            cut -= 1
        elif data[cut - 2 : cut] == b"\r\n":
            cut -= 2
        self._held = data[cut:]
        self._keep(data[:cut])
        return b""

    def _keep(self, chunk: bytes) -> None:
        if not chunk:
            return
        if chunk.count(b"\n") != chunk.count(b"\r\n"):
            raise BareLineFeed
        chunk = chunk.replace(b"\r\n.", b"\r\n").replace(b"\r\n", b"\n")
        if self._is_first:
            chunk, self._is_first = chunk[1:], False
        self._store(chunk)


class LenientDataReader(MessageReader):
    """As DataReader where the control `newline` is on: a bare LF ends a line too.

    The message ends at a dot on its own between two line ends of the same kind. A mixed one
    (`LF . CRLF`, `CRLF . LF`) is what message smuggling uses: it is data, with the dot removed.
    """

    __slots__ = ("_before", "_held")

    def __init__(self, limit: int = 0) -> None:
        super().__init__(limit)
        self._held = b""
        self._before: bytes | None = None  # how the line before ended; None at the start, where both fit

    def feed(self, data: bytes) -> bytes:
        data = self._held + data
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = data[start:end]
            start = end + 1
            if self._take(line):
                self.is_complete = True
                self._held = b""
                return data[start:]
        self._held = data[start:]
        if self._limit and len(self._held) > self._limit:  # one endless line: its middle does not matter
            # Three bytes stay: the rest of a long line must never look like a dot on a line of its own.
            self._store(self._held[:-3])
            self._held = self._held[-3:]
        return b""

    def _take(self, line: bytes) -> bool:
        """Keep a line; True when it is the end of the message."""
        ending = b"\r\n" if line.endswith(b"\r") else b"\n"
        if ending == b"\r\n":
            line = line[:-1]
        if line == b"." and self._before in (None, ending):
            return True
        self._before = ending
        self._store((line[1:] if line.startswith(b".") else line) + b"\n")
        return False


class ChunkReader(MessageReader):
    """Collects the chunks of BDAT (RFC 3030): counted bytes, no dots, CRLF turned into LF."""

    __slots__ = ("_held", "_left", "_takes_bare_lf", "is_last")

    def __init__(self, limit: int = 0, *, takes_bare_lf: bool = False) -> None:
        super().__init__(limit)
        self._held = b""
        self._left = 0
        self._takes_bare_lf = takes_bare_lf
        self.is_last = False

    def expect(self, count: int, *, is_last: bool) -> None:
        """`count` bytes follow."""
        self._left, self.is_last = count, is_last

    @property
    def is_chunk_complete(self) -> bool:
        return self._left == 0

    def feed(self, data: bytes) -> bytes:
        taken, rest = data[: self._left], data[self._left :]
        self._left -= len(taken)
        self._keep(taken)
        if self._left == 0 and self.is_last:
            self._finish()
        return rest

    def _keep(self, chunk: bytes) -> None:
        chunk = self._held + chunk
        self._held = b""
        if chunk.endswith(b"\r"):
            chunk, self._held = chunk[:-1], b"\r"
        if not self._takes_bare_lf and chunk.count(b"\n") != chunk.count(b"\r\n"):
            raise BareLineFeed
        self._store(chunk.replace(b"\r\n", b"\n"))

    def _finish(self) -> None:
        if self._held:
            self._store(self._held)
            self._held = b""
        if self._chunks and self.size and not self._chunks[-1].endswith(b"\n"):
            self._store(b"\n")
        self.is_complete = True


def stuff(message: bytes) -> bytes:
    """A stored message (LF line ends) as it goes over the wire, with the closing dot."""
    body = message.replace(b"\n", b"\r\n")
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    body = body.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body + b".\r\n"
