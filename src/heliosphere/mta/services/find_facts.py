"""Find the facts that checks ask for: in the store, the DNS, the greylist."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from heliosphere.mta.rules.clients.greylisting import GreylistDecision
from heliosphere.mta.rules.dns_facts import Asking, DnsAnswer, DnsQuestion
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.facts import (
    Fact,
    GreylistedOf,
    Mailbox,
    RecipientFacts,
    RecipientOf,
    SenderFacts,
    SenderOf,
    SpfOf,
    Unavailable,
    asking_for,
)
from heliosphere.mta.rules.origin.spf import SpfResult
from heliosphere.mta.rules.store.routing import Standing
from heliosphere.mta.services.ports import Directory, EventLog
from heliosphere.mta.services.spf_memory import SpfMemory

T = TypeVar("T")


class Dns(Protocol):
    def known(self, question: DnsQuestion) -> DnsAnswer | None:
        """The answer if it is kept."""

    async def ask(self, question: DnsQuestion) -> DnsAnswer: ...


class Greylist(Protocol):
    async def judge(self, ip: str, sender: str, recipient: str) -> GreylistDecision: ...


class _NotYet:
    """It takes time to find out."""


NOT_YET = _NotYet()
_KINDS = {
    Standing.ABSENT: Mailbox.ABSENT,
    Standing.CLOSED: Mailbox.CLOSED,
    Standing.DISCARDS: Mailbox.DISCARDS,
}


@dataclass(frozen=True, slots=True)
class FactFinder:
    directory: Directory
    dns: Dns
    greylist: Greylist
    log: EventLog
    spf: SpfMemory = field(default_factory=SpfMemory)

    def now(self, facts: tuple[Fact, ...]) -> Mapping[Fact, object] | None:
        """All of them, if that takes no waiting; else None."""
        found: dict[Fact, object] = {}
        for fact in facts:
            value = self._at_once(fact)
            if value is NOT_YET:
                return None
            found[fact] = value
        return found

    async def later(self, facts: tuple[Fact, ...]) -> Mapping[Fact, object]:
        """All of them, looked for at the same time."""
        values = await asyncio.gather(*(self._find(fact) for fact in facts))
        return dict(zip(facts, values, strict=True))

    def _at_once(self, fact: Fact) -> object:
        if isinstance(fact, RecipientOf):
            return self._recipient(fact)
        if isinstance(fact, SenderOf):
            return self._sender(fact)
        if isinstance(fact, SpfOf):
            remembered = self.spf.find(fact.request, self.dns.known)
            if remembered is not None:
                return remembered
        asking = asking_for(fact)
        return NOT_YET if asking is None else self._noted(fact, self._from_cache(asking))

    async def _find(self, fact: Fact) -> object:
        if isinstance(fact, RecipientOf | SenderOf):
            return self._at_once(fact)
        if isinstance(fact, GreylistedOf):
            return await self.greylist.judge(fact.ip, str(fact.sender), str(fact.recipient))
        asking = asking_for(fact)
        assert asking is not None
        return self._noted(fact, await self.answer(asking))

    def _noted(self, fact: Fact, value: object) -> object:
        if isinstance(fact, SpfOf) and isinstance(value, SpfResult):
            self.spf.keep(fact.request, value)
        return value

    def _from_cache(self, asking: Asking[object]) -> object:
        try:
            questions = next(asking)
            while True:
                answers = [self.dns.known(one) for one in questions]
                if None in answers:
                    asking.close()
                    return NOT_YET
                questions = asking.send(tuple(one for one in answers if one is not None))
        except StopIteration as end:
            return end.value

    async def answer(self, asking: Asking[T]) -> T:
        """Run `asking` to its end; the questions of one turn go out together."""
        try:
            questions = next(asking)
            while True:
                questions = asking.send(await self._answers(questions))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _answers(self, questions: tuple[DnsQuestion, ...]) -> tuple[DnsAnswer, ...]:
        """Of the cache, or else asked for all together."""
        kept = tuple(self.dns.known(one) for one in questions)
        if None not in kept:
            return tuple(one for one in kept if one is not None)
        return tuple(await asyncio.gather(*(self.dns.ask(one) for one in questions)))

    def _sender(self, fact: SenderOf) -> SenderFacts | Unavailable:
        mine, theirs = (fact.login or "").rpartition("@")[2], fact.sender.domain
        try:
            real = self.directory.real_domain(theirs) or theirs
            is_local = self.directory.is_local(fact.sender) or self.directory.accepts(theirs)
            return SenderFacts(is_local, (self.directory.real_domain(mine) or mine) == real)
        except (TryLater, OSError) as trouble:
            return self._unavailable(str(fact.sender), trouble)

    def _recipient(self, fact: RecipientOf) -> RecipientFacts | Unavailable:
        recipient = fact.recipient
        try:
            accepted = self.directory.accepts(recipient.domain)
            if not self.directory.is_local(recipient):
                return RecipientFacts(accepted)
            found = self.directory.resolve(recipient)
            full = found.standing is Standing.MAILBOX and any(
                self.directory.is_full(one, fact.size) for one in found.mailboxes
            )
        except (TryLater, OSError) as trouble:
            return self._unavailable(str(recipient), trouble)
        return RecipientFacts(accepted, _KINDS.get(found.standing, Mailbox.FOUND), full, found.detail)

    def _unavailable(self, about: str, trouble: Exception) -> Unavailable:
        self.log.event("store.unreadable", about=about, reason=str(trouble))
        return Unavailable(f"the store cannot be read: {trouble}")
