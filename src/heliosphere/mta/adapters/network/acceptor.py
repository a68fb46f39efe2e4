"""Accept connections up to a limit; further clients wait in the kernel's queue."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Protocol

from heliosphere.mta.adapters.network.session_protocol import SessionProtocol

LOOK_AGAIN = 0.05
"""Seconds until a full service looks whether a place became free."""
Factory = Callable[[], SessionProtocol]


class Places(Protocol):
    """How many sessions there may be."""

    def take(self) -> bool:
        """One more, if there is a place."""

    def leave(self) -> None:
        """One less."""


class OwnPlaces:
    """The limit of a program that is alone."""

    def __init__(self, limit: int) -> None:
        self._limit, self._taken = limit, 0

    def take(self) -> bool:
        has_place = self._taken < self._limit
        self._taken += has_place
        return has_place

    def leave(self) -> None:
        self._taken -= 1


class Acceptor:
    """All listening sockets of one process share one supply of places."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._loop = asyncio.get_running_loop()
        self._ports: list[tuple[socket.socket, Factory, Callable[[], ssl.SSLContext | None] | None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_listening = False
        self._is_stopping = False
        self._retry: asyncio.TimerHandle | None = None
        self.sessions: set[SessionProtocol] = set()

    def add(
        self, sock: socket.socket, factory: Factory, tls: Callable[[], ssl.SSLContext | None] | None = None
    ) -> None:
        """`tls` given: TLS from the first byte on."""
        sock.setblocking(False)
        self._ports.append((sock, factory, tls))

    def start(self) -> None:
        self._listen()

    def ended(self, session: SessionProtocol) -> None:
        if session in self.sessions:
            self.sessions.discard(session)
            self._places.leave()
        if not self._is_stopping:
            self._listen()

    async def stop(self, patience: float) -> None:
        """Take no more; let sessions finish what they are at, then cut them off."""
        self._is_stopping = True
        self._deafen()
        for session in list(self.sessions):
            session.shut_down()
        end = self._loop.time() + patience
        while self.sessions and self._loop.time() < end:
            await asyncio.sleep(0.02)
            for session in list(self.sessions):
                session.shut_down()
        for session in list(self.sessions):
            if session.transport is not None:
                session.transport.abort()

    def _listen(self) -> None:
        if self._is_listening or self._is_stopping:
            return
        self._is_listening = True
        for sock, factory, tls in self._ports:
            self._loop.add_reader(sock, self._accept, sock, factory, tls)

    def _listen_later(self) -> None:
        """A session that ends in another process frees a place too, and nobody tells us."""
        if self._retry is None:
            self._retry = self._loop.call_later(LOOK_AGAIN, self._retry_now)

    def _retry_now(self) -> None:
        self._retry = None
        self._listen()

    def _deafen(self) -> None:
        if self._is_listening:
            self._is_listening = False
            for sock, _, _ in self._ports:
                self._loop.remove_reader(sock)

    def _accept(
        self, sock: socket.socket, factory: Factory, tls: Callable[[], ssl.SSLContext | None] | None
    ) -> None:
        while self._is_listening:
            if not self._places.take():
                self._deafen()
                self._listen_later()
                return
            try:
                connection, _ = sock.accept()
            except OSError:  # nobody there, gone already, or out of descriptors: wait for the next event
                self._places.leave()
                return
            connection.setblocking(False)
            session = factory()
            self.sessions.add(session)
            task = self._loop.create_task(self._take(connection, session, tls() if tls else None))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _take(
        self, connection: socket.socket, session: SessionProtocol, context: ssl.SSLContext | None
    ) -> None:
        try:
            if context is not None and session.is_proxy(_peer(connection)):
                session.tls_first, context = context, None
            await self._loop.connect_accepted_socket(lambda: session, connection, ssl=context)
        except (OSError, ssl.SSLError, TimeoutError):
            self.ended(session)
            with contextlib.suppress(OSError):
                connection.close()


def _peer(connection: socket.socket) -> str:
    try:
        return str(connection.getpeername()[0])
    except OSError:
        return ""
