"""POP3 sessions over TCP: the machine of wire.pop3 over a Maildir."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from heliosphere.contracts.controls import common
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.adapters.network.session_protocol import NOT_NOW, SessionProtocol
from heliosphere.mta.adapters.network.tls_context import ServerCertificate
from heliosphere.mta.adapters.store.mailbox_directory import MailboxDirectory
from heliosphere.mta.adapters.store.pop3_maildrop import Maildrop
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.store.flags import Service, UserFlag
from heliosphere.mta.services.ports import EventLog, SignInRefused
from heliosphere.mta.services.sign_in import AFTER_WRONG_PASSWORD, FailureGuard
from heliosphere.mta.wire.pop3 import Fetch, Finish, Item, Pop3Server, PopSignIn, PopStartTls

WRONG = "[AUTH] name or password not accepted"
BLOCKED = "[AUTH] too many failed sign-ins, come again later"
UNAVAILABLE = "[SYS/TEMP] the mailbox cannot be opened at the moment"


@dataclass(frozen=True, slots=True)
class Pop3Service:
    """What all POP3 sessions of a process share."""

    directory: MailboxDirectory
    controls: ControlFiles
    certificate: ServerCertificate
    relay_files: RelayFiles
    guard: FailureGuard
    log: EventLog
    ended: Callable[[SessionProtocol], None]


class Pop3Session(SessionProtocol):
    machine: Pop3Server

    def __init__(self, service: Pop3Service) -> None:
        super().__init__()
        self._service = service
        self._maildrop: Maildrop | None = None

    def make_machine(self, ip: str, is_loopback: bool, tls: bool) -> Pop3Server | None:
        try:
            controls = self._service.controls.snapshot()
        except (TryLater, OSError) as trouble:
            self._service.log.event("control.unreadable", reason=str(trouble))
            assert self.transport is not None
            self.transport.write(f"-ERR {UNAVAILABLE}\r\n".encode())
            return None
        has_certificate = self._service.certificate.context() is not None
        name = controls[common.ME] or "localhost"
        return Pop3Server(name, tls=tls, is_loopback=is_loopback, has_certificate=has_certificate)

    def answer_now(self, question: object) -> object:
        return NOT_NOW

    async def answer_later(self, question: object) -> object:
        if isinstance(question, PopSignIn):
            return await self._sign_in(question)
        maildrop = self._maildrop
        assert maildrop is not None
        if isinstance(question, Fetch):
            return await asyncio.to_thread(maildrop.read, question.index)
        assert isinstance(question, Finish)
        return await self._finish(maildrop, question)

    async def _sign_in(self, question: PopSignIn) -> list[Item] | str:
        log, directory, guard = self._service.log, self._service.directory, self._service.guard
        if guard.is_blocked(self.ip, question.name):
            log.event("auth.blocked", service="pop3", method="USER", ip=self.ip, login=question.name)
            return BLOCKED
        try:
            login = await asyncio.to_thread(directory.sign_in, question.name, question.password, Service.POP3)
            place = directory.maildir_of(login)
            if place is None:
                return WRONG
            self._maildrop = await asyncio.to_thread(Maildrop, *place)
        except SignInRefused as refusal:
            guard.failed(self.ip, question.name)
            log.event("auth.refused", service="pop3", ip=self.ip, login=question.name, reason=refusal.reason)
            await asyncio.sleep(AFTER_WRONG_PASSWORD)
            return WRONG
        except (TryLater, OSError) as trouble:
            log.event("auth.unavailable", service="pop3", login=question.name, reason=str(trouble))
            return UNAVAILABLE
        log.event("auth.accepted", service="pop3", ip=self.ip, login=login)
        await asyncio.to_thread(self._open_relay, login)
        return self._maildrop.items()

    def _open_relay(self, login: str) -> None:
        """popbeforesmtp: the client's address may relay for a while; not for users with NO_RELAY."""
        try:
            if not self._service.controls.snapshot()[common.POPBEFORESMTP]:
                return
            if not self._service.directory.has_flag(login, UserFlag.NO_RELAY):
                self._service.relay_files.remember_login(self.ip)
        except (TryLater, OSError) as trouble:  # reading mail works without it
            self._service.log.event("open_smtp.failed", ip=self.ip, reason=str(trouble))

    async def _finish(self, maildrop: Maildrop, question: Finish) -> str | None:
        failures = await asyncio.to_thread(maildrop.finish, question.deleted, question.seen)
        if question.deleted:
            self._service.log.event("pop3.deleted", ip=self.ip, messages=len(question.deleted) - failures)
        return "some messages could not be removed" if failures else None

    def tls_context(self) -> ssl.SSLContext | None:
        return self._service.certificate.context()

    def is_start_tls(self, question: object) -> bool:
        return isinstance(question, PopStartTls)

    def on_idle(self) -> None:
        self.machine.end("timeout")

    def on_shutdown(self) -> None:
        self.machine.end("[SYS/TEMP] the service is being stopped")

    def on_end(self) -> None:
        self._service.ended(self)
