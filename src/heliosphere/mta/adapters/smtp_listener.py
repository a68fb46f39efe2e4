"""SMTP sessions over TCP: the machine of wire.smtp_server, answered by services.receive."""

from __future__ import annotations

import itertools
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from heliosphere.mta.adapters.control_files import ControlFiles
from heliosphere.mta.adapters.session_protocol import NOT_NOW, SessionProtocol
from heliosphere.mta.adapters.tls_context import ServerCertificate
from heliosphere.mta.controls.policy import smtp_policy
from heliosphere.mta.rules import replies
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Client
from heliosphere.mta.services.ports import Clock, EventLog
from heliosphere.mta.services.receive import Receiver
from heliosphere.mta.wire.smtp_server import (
    Accept,
    LookUpRecipient,
    LookUpSender,
    SignIn,
    SmtpServer,
    StartTls,
)

_DIGITS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class SmtpService:
    """What all SMTP sessions of a process share."""

    receiver: Receiver
    controls: ControlFiles
    certificate: ServerCertificate
    log: EventLog
    clock: Clock
    ended: Callable[[SessionProtocol], None]


class SmtpSession(SessionProtocol):
    _count = itertools.count()
    machine: SmtpServer

    def __init__(self, service: SmtpService, *, submission: bool) -> None:
        super().__init__()
        self._service, self._submission = service, submission

    def make_machine(self, ip: str, is_loopback: bool, tls: bool) -> SmtpServer | None:
        service = self._service
        try:
            controls = service.controls.snapshot()
        except (TryLater, OSError) as trouble:
            service.log.event("control.unreadable", reason=str(trouble))
            assert self.transport is not None
            self.transport.write(replies.CONTROLS_UNREADABLE.line().encode() + b"\r\n")
            return None
        policy = smtp_policy(controls, has_certificate=service.certificate.context() is not None)
        self.idle_limit = float(policy.timeout)
        client = Client(ip, is_loopback, self._submission)
        return SmtpServer(client, policy, tls=tls, on_refusal=self._log_refusal)

    def answer_now(self, question: object) -> object:
        if isinstance(question, LookUpRecipient):
            return self._service.receiver.recipient_facts(question)
        if isinstance(question, LookUpSender):
            return self._service.receiver.sender_facts(question)
        return NOT_NOW

    async def answer_later(self, question: object) -> object:
        if isinstance(question, SignIn):
            return await self._service.receiver.sign_in(question, self.ip)
        assert isinstance(question, Accept)
        return await self._service.receiver.accept(question, self._token())

    def tls_context(self) -> ssl.SSLContext | None:
        return self._service.certificate.context()

    def is_start_tls(self, question: object) -> bool:
        return isinstance(question, StartTls)

    def on_idle(self) -> None:
        self._service.log.event("smtp.timeout", ip=self.ip)
        self.machine.end(replies.TIMEOUT)

    def on_shutdown(self) -> None:
        self.machine.end(replies.SHUTTING_DOWN)

    def on_end(self) -> None:
        self._service.ended(self)

    def _token(self) -> str:
        """Names a message in the log: time, process and a counter, short."""
        number = int(self._service.clock().timestamp() * 1000) << 32
        number |= (os.getpid() & 0xFFFF) << 16 | next(self._count) & 0xFFFF
        text = ""
        while number:
            number, digit = divmod(number, len(_DIGITS))
            text = _DIGITS[digit] + text
        return text

    def _log_refusal(self, verb: str, reply: Reply, about: str) -> None:
        session = self.machine.session
        self._service.log.event(
            "smtp.refused", ip=self.ip, verb=verb, code=reply.code, status=reply.status, about=about,
            sender=session.sender or "", login=session.login or "", text=reply.text,
        )  # fmt: skip
