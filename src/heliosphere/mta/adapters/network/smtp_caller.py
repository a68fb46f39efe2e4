"""Hand messages to remote hosts: find them, connect, talk, and turn every trouble into an outcome."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heliosphere.mta.adapters.network.dns_resolver import DnsResolver
from heliosphere.mta.rules.delivery.outcomes import Outcome, deferred, failed
from heliosphere.mta.rules.errors import Refused, TryLater
from heliosphere.mta.rules.store.routing import Route, route_for
from heliosphere.mta.wire.smtp_client import (
    Answer,
    AnswerReader,
    GarbledReply,
    Letter,
    TryNextHost,
    converse,
)

SMTP_PORT = 25


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    me: str
    helohost: str
    smtproutes: tuple[str, ...]
    timeoutconnect: int
    timeoutremote: int


class RemotePostman:
    """The Postman port. `settings()` is asked for each delivery; exchangers are called on `port`."""

    def __init__(
        self, resolver: DnsResolver, settings: Callable[[], RemoteSettings], port: int = SMTP_PORT
    ) -> None:
        self._resolver, self._settings, self._port = resolver, settings, port

    async def deliver(
        self, sender: str, domain: str, recipients: Sequence[str], message: bytes
    ) -> list[Outcome]:
        settings = self._settings()
        letter = Letter(settings.helohost, sender, recipients, message)
        try:
            hops = await self._hops(domain, settings)
        except Refused as refusal:
            return [failed(str(refusal), refusal.code)] * len(recipients)
        except TryLater as trouble:
            return [deferred(str(trouble), trouble.code)] * len(recipients)
        last = deferred(f"No host of {domain} could be reached. (#4.4.1)", "4.4.1")
        for hop in hops:
            try:
                outcomes = await _call(hop, letter, settings)
            except TryNextHost as refusal:
                last = deferred(f"{hop.host} does not take mail now, {refusal}", refusal.code, hop.host)
            except (OSError, TimeoutError) as trouble:
                text = f"{hop.host} could not be reached: {str(trouble) or 'no answer'} (#4.4.1)"
                last = deferred(text, "4.4.1", hop.host)
            else:
                return outcomes
        return [last] * len(recipients)

    async def _hops(self, domain: str, settings: RemoteSettings) -> list[Route]:
        """Addresses to try, in order."""
        fixed = route_for(domain, settings.smtproutes)
        if fixed is not None:
            return await self._addresses_of(fixed)
        if domain.startswith("["):
            return [Route(_literal(domain), self._port)]
        exchangers = await self._resolver.exchangers(domain)
        mine = [one.preference for one in exchangers if one.host.lower() == settings.me.lower()]
        usable = [one for one in exchangers if not mine or one.preference < min(mine)]
        if not usable:
            text = f"This server is the best exchanger of {domain}, but does not hold its mail. (#5.4.6)"
            raise Refused("5.4.6", text)
        random.shuffle(usable)
        usable.sort(key=lambda one: one.preference)
        hops: list[Route] = []
        trouble: TryLater | None = None
        for one in usable:
            try:
                hops += await self._addresses_of(Route(one.host, self._port))
            except TryLater as error:
                trouble = error
        if not hops:
            raise trouble or Refused("5.4.4", f"The domain {domain} has no mail exchanger. (#5.4.4)")
        return hops

    async def _addresses_of(self, route: Route) -> list[Route]:
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(route.host)
            return [route]
        return [Route(address, route.port) for address in await self._resolver.addresses(route.host)]


def _literal(domain: str) -> str:
    text = domain.strip("[]").removeprefix("ipv6:")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise Refused("5.1.2", f"{domain} is not an address. (#5.1.2)") from error


async def _call(hop: Route, letter: Letter, settings: RemoteSettings) -> list[Outcome]:
    """One connection. Raises OSError or TimeoutError only while nothing was said yet."""
    async with asyncio.timeout(settings.timeoutconnect):
        reader, writer = await asyncio.open_connection(hop.host, hop.port)
    try:
        outcomes = await _talk(reader, writer, letter, settings.timeoutremote)
    except (OSError, TimeoutError, GarbledReply, EOFError) as trouble:
        text = f"The connection to {hop.host} was lost: {str(trouble) or 'no answer in time'}. (#4.4.2)"
        text += "\nThe message may have arrived nevertheless."
        outcomes = [deferred(text, "4.4.2")] * len(letter.recipients)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return [Outcome(one.verdict, one.text, hop.host, one.code) for one in outcomes]


async def _talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, letter: Letter, patience: float
) -> list[Outcome]:
    conversation, answers = converse(letter), AnswerReader()
    pending: list[Answer] = []
    to_send = next(conversation)
    try:
        while True:
            if to_send:
                writer.write(to_send)
                async with asyncio.timeout(patience):
                    await writer.drain()
            if to_send == b"QUIT\r\n":
                # The outcome is known; the goodbye of the host changes nothing and is not waited for.
                conversation.send(Answer(221, ""))
            while not pending:
                async with asyncio.timeout(patience):
                    data = await reader.read(65536)
                if not data:
                    raise EOFError("the host hung up")
                pending += answers.feed(data)
            to_send = conversation.send(pending.pop(0))
    except StopIteration as end:
        result: list[Outcome] = end.value
        return result
