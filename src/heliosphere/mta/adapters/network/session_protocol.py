"""asyncio around a protocol machine: bytes, timeouts, TLS upgrade, answers that take time."""

from __future__ import annotations

import asyncio
import ssl
from abc import abstractmethod
from collections.abc import Awaitable
from typing import Any, Protocol, cast

from heliosphere.mta.adapters.network.own_addresses import is_loopback
from heliosphere.mta.wire.proxy_protocol import BadHeader, read_header

CLOSING_GRACE = 30.0
"""Seconds for a client to read the last reply."""
HEADER_LIMIT = 10.0
"""Seconds for a PROXY header."""
MAX_AHEAD = 256 * 1024
"""Bytes a client may send ahead while an answer is being looked up."""


class Machine(Protocol):
    output: bytearray
    is_closing: bool

    @property
    def question(self) -> object: ...

    @property
    def buffered(self) -> int: ...

    def greet(self) -> None: ...

    def feed(self, data: bytes) -> None: ...

    def answer(self, value: object) -> None: ...

    def tls_started(self) -> None: ...


class SessionProtocol(asyncio.Protocol):
    """One connection. Subclasses make the machine and answer its questions."""

    machine: Machine
    idle_limit: float = 600.0

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.ip = ""
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_paused = self._is_half_closed = False
        self._is_upgrading = False
        self._is_prepared = False
        self._early = b""
        self._deadline: asyncio.TimerHandle | None = None
        self._header: bytes | None = None
        self.tls_first: ssl.SSLContext | None = None
        self._loop = asyncio.get_running_loop()
        self._last_heard = self._loop.time()

    # To be filled in

    @abstractmethod
    def make_machine(self, ip: str, is_loopback: bool, tls: bool) -> Machine | None:
        """None: the session ends at once, `refusal` having been sent."""

    @abstractmethod
    def answer_now(self, question: object) -> object:
        """The answer, or NOT_NOW when it takes time."""

    @abstractmethod
    async def answer_later(self, question: object) -> object:
        """The answer to what answer_now would not answer."""

    @abstractmethod
    def tls_context(self) -> ssl.SSLContext | None: ...

    @abstractmethod
    def is_start_tls(self, question: object) -> bool: ...

    @abstractmethod
    def on_idle(self) -> None:
        """Tell the machine to say that it waited long enough."""

    @abstractmethod
    def on_shutdown(self) -> None:
        """Tell the machine to say that the service stops."""

    def on_end(self) -> None:
        """The connection is gone."""

    def on_tls(self, cipher: str) -> None:
        """The line is encrypted now."""

    def prepare(self, ip: str) -> Awaitable[None] | None:
        """What has to be found out before the session can begin; None: nothing."""
        return None

    def time_limit(self) -> float | None:
        """Seconds from now after which the session is over, whatever happens; None: no such limit."""
        return None

    def is_proxy(self, ip: str) -> bool:
        """Must this client send a PROXY header first?"""
        return False

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._is_upgrading:
            return
        self.transport = cast(asyncio.Transport, transport)
        self.ip = str((transport.get_extra_info("peername") or ("unknown",))[0])
        if self.is_proxy(self.ip):
            self._header = b""
            self._timer = self._loop.call_later(HEADER_LIMIT, self._abort)
        else:
            self._open()

    def _open(self) -> None:
        """The client is known: begin the session."""
        transport = self.transport
        if transport is None:
            return
        if self.tls_first is not None and transport.get_extra_info("ssl_object") is None:
            self._start(self._upgrade_first(self.tls_first))
            return
        if not self._is_prepared:
            self._is_prepared = True
            work = self.prepare(self.ip)
            if work is not None:
                self._start(self._prepare(work))
                return
        machine = self.make_machine(
            self.ip, is_loopback(self.ip), transport.get_extra_info("ssl_object") is not None
        )
        if machine is None:
            transport.close()
            return
        self.machine = machine
        self.machine.greet()
        self._pump()
        if self._early and self.transport is not None:
            early, self._early = self._early, b""
            self.machine.feed(early)
            self._pump()
        self._timer = self._loop.call_later(self.idle_limit, self._check_idle)

    def data_received(self, data: bytes) -> None:
        self._last_heard = self._loop.time()
        if self._header is not None:
            self._read_proxy_header(data)
            return
        if not hasattr(self, "machine"):  # talks before it was greeted
            self._early += data
            return
        self.machine.feed(data)
        self._pump()

    def _read_proxy_header(self, data: bytes) -> None:
        """What comes with the header belongs to the client already: the greeting goes out first all the
        same, and a client that talks before it may not use TLS from the first byte that way."""
        self._header = (self._header or b"") + data
        try:
            found = read_header(self._header)
        except BadHeader:
            self._abort()
            return
        if found is None:
            return
        rest, self._header = self._header[found.length :], None
        if self._timer is not None:
            self._timer.cancel()
        if rest and self.tls_first is not None:
            self._abort()  # TLS bytes that were read in clear cannot be given back to the handshake
            return
        self.ip = found.ip or self.ip
        self._early = rest
        self._open()

    def connection_lost(self, trouble: Exception | None) -> None:
        for timer in (self._timer, self._deadline):
            if timer is not None:
                timer.cancel()
        self.transport = None
        self.on_end()

    def eof_received(self) -> bool:
        """True keeps the way out open: Exim says all it has to say, closes its half and still wants the
        answers. (TLS has no such half: asyncio closes it as a whole.)"""
        transport = self.transport
        if transport is None or transport.get_extra_info("ssl_object") is not None or self._task is None:
            return False
        self._is_half_closed = True
        return True

    def pause_writing(self) -> None:
        self._pause()

    def resume_writing(self) -> None:
        self._resume()

    def shut_down(self) -> None:
        """Say goodbye, unless an answer is being prepared: that one is given first."""
        if self.transport is not None and hasattr(self, "machine") and self.machine.question is None:
            self.on_shutdown()
            self._pump()

    # Questions and answers

    def _pump(self) -> None:
        while True:
            self._flush()
            question = self.machine.question
            if question is None or self._task is not None or self.machine.is_closing:
                break
            if self.is_start_tls(question):
                self._start(self._upgrade())
                break
            answer = self.answer_now(question)
            if answer is NOT_NOW:
                self._start(self._look_up(question))
                break
            self.machine.answer(answer)
        if self._deadline is None and (limit := self.time_limit()) is not None:
            self._deadline = self._loop.call_later(limit, self._abort)
        is_over = self.machine.is_closing or (self._is_half_closed and self._task is None)
        if is_over and self.transport is not None:
            self.transport.close()
        elif self.machine.buffered > MAX_AHEAD:
            self._pause()

    def _start(self, work: Any) -> None:
        self._task = self._loop.create_task(work)

    async def _look_up(self, question: object) -> None:
        try:
            answer = await self.answer_later(question)
        except BaseException:
            self._abort()
            raise
        finally:
            self._task = None
        self._last_heard = self._loop.time()
        self.machine.answer(answer)
        self._resume()
        self._pump()

    async def _prepare(self, work: Awaitable[None]) -> None:
        try:
            await work
        except BaseException:
            self._abort()
            raise
        finally:
            self._task = None
        self._open()

    async def _upgrade_first(self, context: ssl.SSLContext) -> None:
        """TLS from the first byte, behind a PROXY header."""
        if await self._handshake(context):
            self._open()

    async def _upgrade(self) -> None:
        """RFC 3207, section 4: nothing read before the handshake may be taken for what comes after."""
        context = self.tls_context()
        if context is None:
            self._abort()
        elif await self._handshake(context):
            self.machine.tls_started()
            self.on_tls(_cipher(self.transport))
            self._pump()

    async def _handshake(self, context: ssl.SSLContext) -> bool:
        transport = self.transport
        if transport is None:
            return False
        self._is_upgrading = True
        try:
            upgraded = await self._loop.start_tls(
                transport, self, context, server_side=True, ssl_handshake_timeout=30
            )
        except (OSError, ssl.SSLError, ConnectionError, TimeoutError):
            self._abort()
            return False
        finally:
            self._task, self._is_upgrading = None, False
        if upgraded is None:
            return False
        self.transport = upgraded
        return True

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _flush(self) -> None:
        if self.machine.output and self.transport is not None:
            self.transport.write(bytes(self.machine.output))
        self.machine.output.clear()

    # Time and pressure

    def _check_idle(self) -> None:
        if self.transport is None:
            return
        if self.machine.is_closing:  # the client does not even read our goodbye
            self.transport.abort()
            return
        quiet = self._loop.time() - self._last_heard
        if quiet >= self.idle_limit and self.machine.question is None:
            self.on_idle()
            self._pump()
            self._timer = self._loop.call_later(CLOSING_GRACE, self._check_idle)
            return
        wait = max(0.05, self.idle_limit - quiet) if self.machine.question is None else self.idle_limit
        self._timer = self._loop.call_later(wait, self._check_idle)

    def _pause(self) -> None:
        if not self._is_paused and self.transport is not None:
            self._is_paused = True
            self.transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused and self.transport is not None:
            self._is_paused = False
            self.transport.resume_reading()


class _NotNow:
    """The answer takes time."""


NOT_NOW = _NotNow()


def _cipher(transport: asyncio.Transport | None) -> str:
    found = transport.get_extra_info("cipher") if transport is not None else None
    return str(found[0]) if found else ""
