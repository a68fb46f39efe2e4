"""SMTP sessions over TCP: the machine of wire.smtp_server, its questions answered by the services."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from heliosphere.contracts.controls import smtpd
from heliosphere.contracts.controls.registry import Snapshot
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.filters.spp_runner import SppRunner
from heliosphere.mta.adapters.logs.event_log import LineLog
from heliosphere.mta.adapters.logs.session_records import SessionRecords
from heliosphere.mta.adapters.logs.session_watcher import SessionWatcher
from heliosphere.mta.adapters.logs.syslog_sender import SyslogSender
from heliosphere.mta.adapters.logs.traffic_log import TrafficLog
from heliosphere.mta.adapters.network.clients_by_rule import ClientsByRule
from heliosphere.mta.adapters.network.session_protocol import NOT_NOW, SessionProtocol
from heliosphere.mta.adapters.network.shared_counters import SessionRow
from heliosphere.mta.adapters.network.tls_context import ServerCertificate
from heliosphere.mta.controls.policy import CompiledControls
from heliosphere.mta.rules import replies
from heliosphere.mta.rules.checks.check import Gather, RunPlugins, Wait
from heliosphere.mta.rules.clients.block_lists import TIME_LIMIT, log_line
from heliosphere.mta.rules.dns_facts import client_name
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.facts import RecipientFacts, RecipientOf
from heliosphere.mta.rules.plugins.spp import PluginFacts, Section, plugin_environment
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Session
from heliosphere.mta.rules.syslog_targets import SyslogTarget, parse_rblsyslog
from heliosphere.mta.services.check_message import ContentSettings, content_settings, for_client
from heliosphere.mta.services.find_facts import FactFinder
from heliosphere.mta.services.receive import Receiver
from heliosphere.mta.services.scan import Scanner
from heliosphere.mta.services.sign_in import SmtpSignIn
from heliosphere.mta.wire.smtp_questions import (
    Accept,
    FindKeys,
    SignIn,
    SignInByDigest,
    SignInByProof,
    StartTls,
)
from heliosphere.mta.wire.smtp_server import SmtpServer

_DIGITS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class CompiledCache:
    """The controls made ready, once for each snapshot. `scanner` makes the scanner that they ask for."""

    def __init__(
        self, controls: ControlFiles, certificate: ServerCertificate, scanner: Callable[[Snapshot], Scanner]
    ) -> None:
        self._controls, self._certificate, self._scanner = controls, certificate, scanner
        self._made: tuple[Snapshot, bool] | None = None
        self._compiled: tuple[CompiledControls, ContentSettings] | None = None

    def get(self) -> tuple[CompiledControls, ContentSettings]:
        """Raises TryLater when a control cannot be read."""
        snapshot = self._controls.snapshot()
        has_certificate = self._certificate.context() is not None
        if self._compiled is None or self._made != (snapshot, has_certificate):
            former = self._compiled[0] if self._compiled is not None else None
            compiled = CompiledControls(snapshot, has_certificate=has_certificate, former=former)
            self._compiled = (compiled, content_settings(snapshot, self._scanner(snapshot)))
            self._made = (snapshot, has_certificate)
        return self._compiled


@dataclass(frozen=True, slots=True)
class SmtpService:
    """What all SMTP sessions of a process share."""

    receiver: Receiver
    sign_in: SmtpSignIn
    facts: FactFinder
    compiled: CompiledCache
    clients: ClientsByRule
    plugins: SppRunner
    certificate: ServerCertificate
    sessions: SessionRow
    records: SessionRecords
    log: LineLog
    clock: Callable[[], datetime]
    syslog: SyslogSender
    traffic: TrafficLog
    ended: Callable[[SessionProtocol], None]

    def log_listed(self, target: SyslogTarget, ip: str, reply: Reply) -> None:
        """As rblsmtpd says it: to our log, and to syslog where the control rblsyslog sends it."""
        text = log_line(ip, os.getpid(), reply)
        self.log.line(f"rblsmtpd: {text}")
        self.syslog.send(target, "rblsmtpd", text)


class SmtpSession(SessionProtocol):
    """One connection; its machine lives in the base class."""

    _count = itertools.count()
    machine: SmtpServer

    def __init__(self, service: SmtpService, *, submission: bool) -> None:
        super().__init__()
        self._service, self._submission = service, submission
        self._compiled: CompiledControls | None = None
        self._settings: ContentSettings | None = None
        self._is_counted = False
        self._client_name = ""

    def prepare(self, ip: str) -> Awaitable[None] | None:
        try:
            return self._find_name(ip) if self._service.clients.wants_name() else None
        except (TryLater, OSError):  # said when the session begins
            return None

    async def _find_name(self, ip: str) -> None:
        self._client_name = (await self._service.facts.answer(client_name(ip))).name

    def time_limit(self) -> float | None:
        """A client that lists block gets a minute to say its piece, as rblsmtpd has it."""
        return float(TIME_LIMIT) if self.machine.session.blocked is not None else None

    def make_machine(self, ip: str, is_loopback: bool, tls: bool) -> SmtpServer | None:
        service = self._service
        try:
            self._compiled, self._settings = service.compiled.get()
            controls = self._compiled.controls
            client = service.clients.client(ip, submission=self._submission, name=self._client_name)
        except (TryLater, OSError) as trouble:
            service.log.event("control.unreadable", reason=str(trouble))
            self._turn_away(replies.CONTROLS_UNREADABLE)
            return None
        if client is None:
            service.log.event("smtp.denied", ip=ip)
            return None
        policy, tables = self._compiled.for_client(client.environment)
        self._settings = for_client(self._settings, client.environment)
        limit = policy.periplimit
        if limit and not is_loopback and service.sessions.table.of_address(ip) >= limit:
            service.log.event("smtp.too_many", ip=ip, limit=limit)
            self._turn_away(replies.TOO_MANY_FROM_ADDRESS)
            return None
        service.sessions.begin(ip)
        self._is_counted = True
        self.idle_limit = float(policy.timeoutsmtpd)
        target, _ = parse_rblsyslog(controls[smtpd.RBLSYSLOG] or "")
        watcher = SessionWatcher(
            service.log, service.records, service.clock, self._token, controls[smtpd.SMTPLOG],
            partial(service.log_listed, target), service.traffic,
        )  # fmt: skip
        return SmtpServer(
            client, policy, tls=tls, watcher=watcher, tables=tables, nonce=lambda: _nonce(policy.hostname),
            traced=service.records.is_on,
        )  # fmt: skip

    def is_proxy(self, ip: str) -> bool:
        try:
            compiled, _ = self._service.compiled.get()
        except (TryLater, OSError):
            return False
        return compiled.is_proxy(ip)

    def _turn_away(self, reply: Reply) -> None:
        assert self.transport is not None
        self.transport.write(reply.line().encode() + b"\r\n")

    # Answers

    def answer_now(self, question: object) -> object:
        if isinstance(question, Gather):
            found = self._service.facts.now(question.facts)
            return NOT_NOW if found is None else found
        return NOT_NOW

    async def answer_later(self, question: object) -> object:
        service = self._service
        match question:
            case Gather():
                return await service.facts.later(question.facts)
            case Wait():
                await asyncio.sleep(question.seconds)
                return None
            case RunPlugins():
                return await self._run_plugins(question)
            case SignIn():
                return await service.sign_in.sign_in(question, self.ip)
            case SignInByDigest():
                return await service.sign_in.by_digest(question, self.ip)
            case FindKeys():
                return await service.sign_in.find_keys(question, self.ip)
            case SignInByProof():
                return await service.sign_in.by_proof(question, self.ip)
            case Accept():
                assert self._settings is not None
                return await service.receiver.accept(question, self._settings, self._token())
        raise AssertionError(f"no answer to {question!r}")

    async def _run_plugins(self, question: RunPlugins) -> object:
        session = self.machine.session
        assert self._compiled is not None
        facts = _plugin_facts(session, question)
        environment = {**plugin_environment(facts, session.client.environment), **session.plugin_variables}
        return await self._service.plugins.run_section(
            self._compiled.plugins.of(question.section), environment
        )

    # The base class

    def tls_context(self) -> ssl.SSLContext | None:
        return self._service.certificate.context()

    def is_start_tls(self, question: object) -> bool:
        return isinstance(question, StartTls)

    def on_tls(self, cipher: str) -> None:
        self.machine.watcher.encrypted(self.machine.session, cipher)

    def on_idle(self) -> None:
        self._service.log.event("smtp.timeout", ip=self.ip)
        self.machine.end(replies.TIMEOUT)

    def on_shutdown(self) -> None:
        self.machine.end(replies.SHUTTING_DOWN)

    def on_end(self) -> None:
        if self._is_counted:
            self._service.sessions.end(self.ip)
            self.machine.lost()
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


def _nonce(hostname: str) -> str:
    """RFC 2195 wants the shape of a message id, and that it never comes again."""
    return f"<{os.getpid()}.{secrets.token_hex(12)}@{hostname}>"


def _plugin_facts(session: Session, question: RunPlugins) -> PluginFacts:
    is_recipient = question.section is Section.RCPT
    served = None
    if is_recipient:
        known = next(
            (value for fact, value in session.facts.items()
             if isinstance(fact, RecipientOf) and str(fact.recipient) == question.address), None,
        )  # fmt: skip
        served = known.is_accepted_domain if isinstance(known, RecipientFacts) else None
    sender = question.address if question.section is Section.MAIL else session.sender
    return PluginFacts(
        ip=session.client.ip, helo=session.helo or None,
        sender=None if sender is None else str(sender),
        recipient=question.address if is_recipient else None,
        accepted_recipients=len(session.recipients) if is_recipient else None,
        tried_recipients=session.recipients_seen if is_recipient else None,
        is_served_domain=served, login=session.login, login_method=session.auth_method or None,
        info=session.login or "",
    )  # fmt: skip
