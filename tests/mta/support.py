"""Names and values that several mail engine tests use."""

import asyncio
import socket
from datetime import timedelta

from heliosphere.mta.adapters.store.vpopmail_tree import system_clock
from heliosphere.mta.store import VpopmailTree, hash_password

SECRET = "correct horse"
HASH = hash_password(SECRET)


_given: set[int] = set()


def free_port() -> int:
    """A free port, never the same twice in one process: the kernel may offer one again before it is used."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


class Events:
    """An event log that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, **fields: object) -> None:
        self.seen.append((name, fields))

    def names(self) -> list[str]:
        return [name for name, _ in self.seen]


class Wall:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = system_clock().replace(microsecond=0)

    def __call__(self) -> object:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def messages_in(tree: VpopmailTree, address: str) -> list[bytes]:
    """Messages of a mailbox, oldest first."""
    user = tree.find_user(address)
    assert user is not None
    files = [path for part in ("new", "cur") for path in (user.maildir / part).iterdir()]
    return [path.read_bytes() for path in sorted(files, key=lambda path: path.name)]


class FakeHost:
    """A remote SMTP server that answers as told and keeps what it gets.

    `answers` maps the start of a command (or GREETING, MESSAGE) to a reply; the rest gets 250.
    """

    def __init__(self, answers: dict[str, str] | None = None, offers: tuple[str, ...] = ()) -> None:
        self.answers, self.offers = answers or {}, offers
        self.said: list[str] = []
        self.messages: list[bytes] = []
        self.port = 0

    async def __aenter__(self) -> "FakeHost":
        self._server = await asyncio.start_server(self._session, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *trouble: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._answer("GREETING", "220 fake.test ESMTP").encode() + b"\r\n")
        while line := (await reader.readline()).decode():
            line = line.rstrip("\r\n")
            self.said.append(line)
            if line.startswith("EHLO"):
                usual = "\r\n".join([*(f"250-{one}" for one in ("fake.test", *self.offers)), "250 HELP"])
            else:
                usual = "354 go" if line == "DATA" else "221 bye" if line == "QUIT" else "250 ok"
            reply = self._answer(line, usual)
            if reply == "HANG UP":
                return
            writer.write(reply.encode() + b"\r\n")
            if line == "QUIT":
                return
            if reply.startswith("354"):
                data = await reader.readuntil(b"\r\n.\r\n")
                reply = self._answer("MESSAGE", "250 taken")
                if reply == "HANG UP":
                    return
                self.messages.append(data)
                writer.write(reply.encode() + b"\r\n")

    def _answer(self, line: str, usual: str) -> str:
        return next((reply for start, reply in self.answers.items() if line.startswith(start)), usual)
