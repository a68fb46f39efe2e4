"""Explain what a session would get: the same machine, tables and facts, with nobody connected.

Nothing is stored, delivered, counted or run: plugins are named, the greylist is only looked at, nobody
waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from heliosphere.contracts.mail_server import ExplainSession
from heliosphere.mta.controls.policy import CompiledControls
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.checks.check import Gather, RunPlugins, Wait
from heliosphere.mta.rules.checks.order import Tables
from heliosphere.mta.rules.dns_facts import client_name
from heliosphere.mta.rules.fact_words import asked_in_words, found_in_words
from heliosphere.mta.rules.facts import Fact
from heliosphere.mta.rules.findings import Finding, TraceLine
from heliosphere.mta.rules.plugins.spp import PluginOutcome
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Client, Relay, Session
from heliosphere.mta.services.check_message import ContentSettings, MessageChecker
from heliosphere.mta.services.find_facts import FactFinder
from heliosphere.mta.services.scan import Variant
from heliosphere.mta.wire.smtp_core import Watcher
from heliosphere.mta.wire.smtp_questions import Accept, Accepted, Question
from heliosphere.mta.wire.smtp_server import SmtpServer

WOULD_STORE = Reply(250, "2.0.0", "ok")


class ClientSource(Protocol):
    def wants_name(self) -> bool:
        """Is the client's confirmed host name worth looking up?"""

    def client(self, ip: str, *, submission: bool, name: str = "") -> Client | None:
        """Who that would be by tcp.smtp; None: not even let in."""


@dataclass(frozen=True, slots=True)
class FactLine:
    """What was looked up, and what was found, in words."""

    asked: str
    found: str


@dataclass(frozen=True, slots=True)
class VerbStory:
    """One command: what was said, what each check found in order, what they knew, what was answered."""

    verb: str
    said: str
    checks: tuple[TraceLine, ...]
    facts: tuple[FactLine, ...]
    replies: tuple[str, ...]
    closed: bool = False

    @property
    def code(self) -> str:
        return self.replies[-1][:3] if self.replies else ""


@dataclass(slots=True)
class _Ear(Watcher):
    """Collects remarks that a refused MAIL would take along."""

    ended: list[TraceLine] = field(default_factory=list)

    def message_ended(self, session: Session, reply: Reply, finding: Finding | None) -> None:
        self.ended = list(session.trace or ())


@dataclass(frozen=True, slots=True)
class Explainer:
    facts: FactFinder
    checker: MessageChecker
    clients: ClientSource

    async def explain(
        self, case: ExplainSession, compiled: CompiledControls, settings: ContentSettings
    ) -> tuple[VerbStory, ...]:
        """One story a verb, up to the one that ends the session."""
        name = (await self.facts.answer(client_name(case.ip))).name if self.clients.wants_name() else ""
        client = self.clients.client(case.ip, submission=case.submission, name=name)
        if client is None:
            rule = Finding(None, "a line of tcp.smtp denies this client", control="tcp.smtp", drop=True)
            denied = TraceLine("CONNECT", "tcp.smtp", "refused", rule)
            return (VerbStory("CONNECT", f"connection from {case.ip}", (denied,), (), (), True),)
        policy, _ = compiled.for_client(client.environment)
        tables = Tables(policy, whole=True)
        ear = _Ear()
        machine = SmtpServer(client, policy, tls=case.tls, tables=tables, traced=True, watcher=ear)
        return await _Talk(self, machine, case, settings, ear).run()


@dataclass(slots=True)
class _Talk:
    """The client's side of the session that is explained."""

    desk: Explainer
    machine: SmtpServer
    case: ExplainSession
    settings: ContentSettings
    ear: _Ear
    stories: list[VerbStory] = field(default_factory=list)
    seen: dict[Fact, object] = field(default_factory=dict)
    plugins: list[str] = field(default_factory=list)

    async def run(self) -> tuple[VerbStory, ...]:
        case, machine = self.case, self.machine
        await self._story("CONNECT", f"connection from {case.ip}", None)
        await self._story("EHLO", f"EHLO {case.helo}", f"EHLO {case.helo}")
        if case.login and not machine.is_closing:
            machine.session.login, machine.session.relay = case.login, Relay.AUTH
            said = TraceLine("AUTH", "sign-in", "remark", Finding(None, f"signed in as {case.login}"))
            self.stories.append(VerbStory("AUTH", "AUTH", (said,), (), ("235 2.0.0 signed in",)))
        size = f" SIZE={case.size}" if case.size else ""
        await self._story("MAIL", f"MAIL FROM:<{case.sender}>", f"MAIL FROM:<{case.sender}>{size} SMTPUTF8")
        for recipient in case.recipients:
            if machine.session.sender is not None:
                await self._story("RCPT", f"RCPT TO:<{recipient}>", f"RCPT TO:<{recipient}>")
        if case.message is not None and machine.session.recipients:
            await self._data(case.message.encode("utf-8", "surrogateescape"))
        return tuple(self.stories)

    async def _data(self, message: bytes) -> None:
        await self._story("DATA", "DATA", "DATA")
        if not self.machine.is_closing and self.stories[-1].code == "354":
            body = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
            await self._story("DATA", "(message)", body.decode("latin-1") + "\r\n.", raw=True)

    async def _story(self, verb: str, said: str, line: str | None, *, raw: bool = False) -> None:
        machine = self.machine
        if machine.is_closing:
            return
        self.seen, self.plugins, self.ear.ended = {}, [], []
        before = len(machine.session.trace or ())
        if line is None:
            machine.greet()
        else:
            machine.feed(line.encode("latin-1" if raw else "utf-8", "replace") + b"\r\n")
        while (question := machine.question) is not None:
            machine.answer(await self._answer(question))
        checks = tuple((self.ear.ended or machine.session.trace or [])[before:])
        said_back = bytes(machine.output).decode("utf-8", "replace").split("\r\n")
        machine.output.clear()
        facts = tuple(
            FactLine(asked_in_words(fact), found_in_words(value)) for fact, value in self.seen.items()
        )
        facts += tuple(FactLine("plugins", one) for one in self.plugins)
        replies = tuple(one for one in said_back if one)
        self.stories.append(VerbStory(verb, said, checks, facts, replies, machine.is_closing))

    async def _answer(self, question: Question) -> object:
        if isinstance(question, Gather):
            found = await self.desk.facts.later(question.facts)
            self.seen.update(found)
            return found
        if isinstance(question, Wait):
            return None
        if isinstance(question, RunPlugins):
            self.plugins.append(f"those of [{question.section.value}] are not run for an explanation")
            return PluginOutcome()
        assert isinstance(question, Accept)
        checked = await self.desk.checker.check(question, self.settings)
        if checked.finding is not None:
            return Accepted(checked.finding.reply or WOULD_STORE, checked.finding, checked.trace)
        where = _places(checked.variants, checked.dropped)
        return Accepted(WOULD_STORE, None, (*checked.trace, TraceLine("DATA", "delivery", "remark", where)))


def _places(variants: Sequence[Variant], dropped: Sequence[Address]) -> Finding:
    words = [f"{', '.join(map(str, one.recipients))}: {one.folder or 'inbox'}" for one in variants]
    words += [f"{one}: thrown away, as it asked for" for one in dropped]
    return Finding(None, "; ".join(words))
