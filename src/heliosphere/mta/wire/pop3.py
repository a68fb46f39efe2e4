"""POP3 (RFC 1939, 2449, 2595) as a server speaks it, without a socket.

Works like the SMTP machine: feed bytes, send `output`, answer `question`. APOP is not offered: it needs
clear-text passwords in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from heliosphere.mta.wire.smtp_lines import LineReader, LineTooLong, stuff

MAX_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Item:
    """A message of the mailbox at the time of sign-in. `octets` is its size as stored."""

    uid: str
    octets: int


@dataclass(frozen=True, slots=True)
class PopSignIn:
    """Answer with the list of Items, or a text that says why not."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """Answer with the message's bytes (LF line ends), or None when it is gone."""

    index: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The session ends well: remove `deleted`, note `seen`. Answer with a text on failure, else None."""

    deleted: tuple[int, ...]
    seen: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PopStartTls:
    """Send the output, start TLS, then call tls_started()."""


PopQuestion = PopSignIn | Fetch | Finish | PopStartTls


class Pop3Server:
    """One session. Passwords are taken only over TLS or from this machine."""

    def __init__(self, hostname: str, *, tls: bool, is_loopback: bool, has_certificate: bool) -> None:
        self.output = bytearray()
        self.question: PopQuestion | None = None
        self.is_closing = False
        self._hostname = hostname
        self._tls, self._is_loopback, self._has_certificate = tls, is_loopback, has_certificate
        self._lines = LineReader()
        self._user = ""
        self._failures = 0
        self._items: Sequence[Item] | None = None
        self._deleted: set[int] = set()
        self._seen: set[int] = set()
        self._then: Callable[[object], None] = self._nothing
        self._before: dict[str, Callable[[str], None]] = {
            "USER": self._user_verb, "PASS": self._pass_verb, "STLS": self._stls,
        }  # fmt: skip
        self._after: dict[str, Callable[[str], None]] = {
            "STAT": self._stat, "LIST": self._list, "UIDL": self._uidl, "RETR": self._retr,
            "TOP": self._top, "DELE": self._dele, "RSET": self._rset, "NOOP": self._noop,
        }  # fmt: skip

    # Outside

    def greet(self) -> None:
        self._ok(f"{self._hostname} POP3 ready")

    def feed(self, data: bytes) -> None:
        if not self.is_closing:
            self._lines.buffer += data
            self._advance()

    def answer(self, value: object) -> None:
        then, self.question, self._then = self._then, None, self._nothing
        then(value)
        self._advance()

    def tls_started(self) -> None:
        self.question = None
        self._lines.buffer.clear()
        self._tls, self._user = True, ""

    def end(self, text: str) -> None:
        self._err(text)
        self.is_closing = True

    @property
    def buffered(self) -> int:
        return len(self._lines.buffer)

    # The machine

    def _advance(self) -> None:
        while self.question is None and not self.is_closing:
            line = self._next_line()
            if line is None:
                return
            self._command(line)

    def _next_line(self) -> bytes | None:
        """A bare LF ends a line here: no message is ever received, so nothing can be smuggled."""
        buffer = self._lines.buffer
        end = buffer.find(b"\n")
        if end >= 0 and (end == 0 or buffer[end - 1] != 0x0D):
            buffer[end:end] = b"\r"
        try:
            return self._lines.next_line(limit=512)
        except LineTooLong:
            return b"LINE-TOO-LONG"

    def _command(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        verb, _, argument = text.partition(" ")
        verb = verb.upper()
        if verb == "QUIT":
            self._quit()
        elif verb == "CAPA":
            self._capa()
        else:
            table = self._before if self._items is None else self._after
            handler = table.get(verb)
            if handler is None:
                self._err("command not known here")
            else:
                # A password may begin or end with a blank.
                handler(argument if verb == "PASS" else argument.strip())

    def _capa(self) -> None:
        lines = ["TOP", "UIDL", "PIPELINING", "RESP-CODES"]
        if self._is_private():
            lines.append("USER")
        if self._has_certificate and not self._tls and self._items is None:
            lines.append("STLS")
        self._ok("what this server can do")
        self._lines_out(lines)

    # Before sign-in

    def _user_verb(self, argument: str) -> None:
        if not self._is_private():
            self._err("use STLS first")
        elif not argument:
            self._err("a name is needed")
        else:
            self._user = argument
            self._ok("now the password")

    def _pass_verb(self, argument: str) -> None:
        if not self._user:
            self._err("USER first")
            return
        user, self._user = self._user, ""
        self._ask(PopSignIn(user, argument), self._signed_in)

    def _signed_in(self, value: object) -> None:
        if not isinstance(value, str):
            self._items = cast(Sequence[Item], value)
            self._ok(f"{len(self._items)} messages")
            return
        self._failures += 1
        self._err(value)
        if self._failures >= MAX_FAILURES:
            self.is_closing = True

    def _stls(self, argument: str) -> None:
        if self._tls or not self._has_certificate:
            self._err("TLS is not available")
            return
        self._lines.buffer.clear()
        self._ok("begin TLS")
        self._ask(PopStartTls(), self._nothing)

    def _is_private(self) -> bool:
        return self._tls or self._is_loopback

    # After sign-in

    def _stat(self, argument: str) -> None:
        left = self._left()
        self._ok(f"{len(left)} {sum(item.octets for _, item in left)}")

    def _list(self, argument: str) -> None:
        self._listing(argument, lambda item: str(item.octets))

    def _uidl(self, argument: str) -> None:
        self._listing(argument, lambda item: item.uid)

    def _listing(self, argument: str, shown: Callable[[Item], str]) -> None:
        if argument:
            index = self._index(argument)
            if index is not None:
                self._ok(f"{index + 1} {shown(self._all()[index])}")
            return
        left = self._left()
        self._ok(f"{len(left)} messages")
        self._lines_out([f"{index + 1} {shown(item)}" for index, item in left])

    def _retr(self, argument: str) -> None:
        index = self._index(argument)
        if index is not None:
            self._seen.add(index)
            self._ask(Fetch(index), self._retrieved)

    def _retrieved(self, value: object) -> None:
        if value is None:
            self._err("[SYS/TEMP] that message is gone")
            return
        message = cast(bytes, value)
        self._ok(f"{len(message)} octets")
        self.output += stuff(message)

    def _top(self, argument: str) -> None:
        first, _, count = argument.partition(" ")
        index = self._index(first)
        if index is None:
            return
        if not (count.strip().isascii() and count.strip().isdigit()) or len(count) > 9:
            self._err("a number of lines is needed")
            return

        def cut(value: object) -> None:
            if value is None:
                self._err("[SYS/TEMP] that message is gone")
                return
            head, blank, body = cast(bytes, value).partition(b"\n\n")
            lines = body.split(b"\n", int(count))[: int(count)] if blank else []
            self._ok("top of the message")
            self.output += stuff(head + blank + b"\n".join(lines))

        self._ask(Fetch(index), cut)

    def _dele(self, argument: str) -> None:
        index = self._index(argument)
        if index is not None:
            self._deleted.add(index)
            self._ok("marked for removal")

    def _rset(self, argument: str) -> None:
        self._deleted.clear()
        self._ok("no message is marked")

    def _noop(self, argument: str) -> None:
        self._ok("")

    def _quit(self) -> None:
        if self._items is None:
            self._ok("goodbye")
            self.is_closing = True
            return
        seen = tuple(sorted(self._seen - self._deleted))
        self._ask(Finish(tuple(sorted(self._deleted)), seen), self._finished)

    def _finished(self, value: object) -> None:
        if isinstance(value, str):
            self._err(value)
        else:
            self._ok("goodbye")
        self.is_closing = True

    # Parts

    def _all(self) -> Sequence[Item]:
        return self._items or ()

    def _left(self) -> list[tuple[int, Item]]:
        return [(at, item) for at, item in enumerate(self._all()) if at not in self._deleted]

    def _index(self, text: str) -> int | None:
        """Position of the message a client names by number; says what is wrong with it."""
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            self._err("a message number is needed")
            return None
        index = int(text) - 1
        if not 0 <= index < len(self._all()) or index in self._deleted:
            self._err("no such message")
            return None
        return index

    def _ask(self, question: PopQuestion, then: Callable[[object], None]) -> None:
        self.question, self._then = question, then

    def _nothing(self, value: object) -> None:
        raise AssertionError("no question was asked")

    def _ok(self, text: str) -> None:
        self._send(f"+OK {text}".rstrip())

    def _err(self, text: str) -> None:
        self._send(f"-ERR {text}")

    def _lines_out(self, lines: list[str]) -> None:
        for line in lines:
            self._send(line)
        self._send(".")

    def _send(self, line: str) -> None:
        self.output += line.encode("ascii", "replace") + b"\r\n"
