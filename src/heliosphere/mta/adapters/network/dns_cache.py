"""Answers of the DNS, kept as long as they may be: the questions of checks, parallel and bounded in time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from heliosphere.mta.rules.dns_facts import FAILED, NO_DATA, NO_NAME, DnsAnswer, DnsQuestion, DnsStatus

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.resolver import Answer

LIFETIME = 8.0
"""Seconds for one question with all its retries; a client waits for it."""
MOST_KEPT = 20_000
NOTHING_TTL = 60
"""Seconds that "no such name" counts when the zone does not say."""
FAILURE_TTL = 5
"""Seconds in which a server that failed is not asked the same again."""
LONGEST_TTL = 3600


class CachedDns:
    """Asks `server` (address, port), or those of the machine when None. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float], server: tuple[str, int] | None = None) -> None:
        self._monotonic, self._server = monotonic, server
        self._kept: OrderedDict[DnsQuestion, tuple[float, DnsAnswer]] = OrderedDict()
        self._under_way: dict[DnsQuestion, asyncio.Future[DnsAnswer]] = {}
        self._resolver: Resolver | None = None

    def known(self, question: DnsQuestion) -> DnsAnswer | None:
        """The answer if it is kept and still good."""
        found = self._kept.get(question)
        if found is None:
            return None
        if found[0] < self._monotonic():
            del self._kept[question]
            return None
        return found[1]

    async def ask(self, question: DnsQuestion) -> DnsAnswer:
        """Never raises for trouble out there: that is an answer too. The same question asked twice at a
        time goes out once."""
        known = self.known(question)
        if known is not None:
            return known
        under_way = self._under_way.get(question)
        if under_way is not None:
            return await asyncio.shield(under_way)
        task = asyncio.ensure_future(self._ask(question))
        self._under_way[question] = task
        task.add_done_callback(lambda _: self._under_way.pop(question, None))
        return await asyncio.shield(task)

    async def _ask(self, question: DnsQuestion) -> DnsAnswer:
        answer = await self._resolve(question)
        ttl = FAILURE_TTL if answer.status is DnsStatus.FAILED else min(answer.ttl, LONGEST_TTL)
        self._kept[question] = (self._monotonic() + ttl, answer)
        self._kept.move_to_end(question)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return answer

    async def _resolve(self, question: DnsQuestion) -> DnsAnswer:
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            answer = await self._get().resolve(
                question.name + ".", question.kind, raise_on_no_answer=False, search=False
            )
        except dns.resolver.NXDOMAIN:
            return DnsAnswer(NO_NAME.status, ttl=NOTHING_TTL)
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong, UnicodeError):
            return DnsAnswer(NO_NAME.status, ttl=NOTHING_TTL)
        except (dns.exception.DNSException, OSError):
            return FAILED
        if answer.rrset is None:
            return DnsAnswer(NO_DATA.status, ttl=NOTHING_TTL)
        return DnsAnswer(DnsStatus.FOUND, _values(answer, question.kind), max(1, answer.rrset.ttl))

    def _get(self) -> Resolver:
        """The library is loaded with the first question: it is large."""
        from dns.asyncresolver import Resolver

        if self._resolver is None:
            resolver = Resolver(configure=self._server is None)
            if self._server is not None:
                resolver.nameservers = [self._server[0]]
                resolver.port = self._server[1]
            resolver.lifetime = LIFETIME
            resolver.timeout = LIFETIME / 2
            self._resolver = resolver
        return self._resolver


def _values(answer: Answer, kind: str) -> tuple[str, ...]:
    if kind == "MX":
        return tuple(f"{one.preference} {one.exchange.to_text(True) or '.'}" for one in answer)
    if kind == "TXT":
        return tuple(b"".join(one.strings).decode("latin-1") for one in answer)
    if kind == "PTR":
        return tuple(one.target.to_text(True) for one in answer)
    return tuple(one.address for one in answer)
