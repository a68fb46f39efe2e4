"""Lines and message data of SMTP, cut from a byte stream. CRLF is the only line end."""

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

    def __init__(self) -> None:
        self.buffer = bytearray()
        self._skipping = False

    def next_line(self, limit: int = MAX_COMMAND) -> bytes | None:
        """The next line without CRLF, or None until it is complete.

        Raises BareLineFeed, or LineTooLong once for each line over `limit` bytes.
        """
        end = self.buffer.find(b"\n")
        if end < 0:
            if len(self.buffer) > limit:
                # The last byte may be the CR of the line end.
                del self.buffer[: len(self.buffer) - 1]
                self._skipping = True
            return None
        if end == 0 or self.buffer[end - 1] != 0x0D:
            raise BareLineFeed
        line = bytes(self.buffer[: end - 1])
        del self.buffer[: end + 1]
        if self._skipping or len(line) > limit:
            self._skipping = False
            raise LineTooLong
        return line

    def take_all(self) -> bytes:
        data = bytes(self.buffer)
        self.buffer.clear()
        return data


class DataReader:
    """Collects the message after DATA: finds its end, removes dot stuffing, turns CRLF into LF.

    Works on whole chunks. A few bytes are held back at each border, so that no sequence that matters
    is ever cut. `size` counts each line end as one byte; past `limit` (0: none) nothing more is kept.
    """

    def __init__(self, limit: int = 0) -> None:
        self._held = b"\r\n"  # the message begins at the start of a line
        self._is_first = True
        self._limit = limit
        self._chunks: list[bytes] = []
        self.size = 0
        self.is_complete = False

    @property
    def is_too_big(self) -> bool:
        return bool(self._limit) and self.size > self._limit

    def feed(self, data: bytes) -> bytes:
        """Take a chunk; return what follows the end of the message. Raises BareLineFeed."""
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

    def message(self) -> bytes:
        return b"".join(self._chunks)

    def _keep(self, chunk: bytes) -> None:
        if not chunk:
            return
        if chunk.count(b"\n") != chunk.count(b"\r\n"):
            raise BareLineFeed
        chunk = chunk.replace(b"\r\n.", b"\r\n").replace(b"\r\n", b"\n")
        if self._is_first:
            chunk, self._is_first = chunk[1:], False
        self.size += len(chunk)
        if self.is_too_big:
            self._chunks.clear()
        else:
            self._chunks.append(chunk)


def stuff(message: bytes) -> bytes:
    """A stored message (LF line ends) as it goes over the wire, with the closing dot."""
    body = message.replace(b"\n", b"\r\n")
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    body = body.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body + b".\r\n"
