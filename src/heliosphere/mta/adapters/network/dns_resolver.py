"""DNS questions of the sender: where a domain's mail goes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from heliosphere.mta.adapters.network.dns_cache import CachedDns
from heliosphere.mta.rules.dns_facts import DnsAnswer, DnsQuestion, DnsStatus, Kind
from heliosphere.mta.rules.errors import Refused, TryLater


@dataclass(frozen=True, slots=True)
class Exchanger:
    preference: int
    host: str


class DnsResolver:
    """Asks `server` (address, port), or those of the machine when None."""

    def __init__(self, server: tuple[str, int] | None = None) -> None:
        self._dns = CachedDns(time.monotonic, server)

    async def exchangers(self, domain: str) -> list[Exchanger]:
        """Mail exchangers by preference; the domain itself when it names none (RFC 5321, 5.1).

        Raises Refused for a domain that does not exist or takes no mail, TryLater for trouble.
        """
        answer = await self._ask(domain, "MX")
        if answer.status is DnsStatus.NO_DATA:
            return [Exchanger(0, domain)]
        found = [_exchanger(one) for one in answer.values]
        if all(one.host in ("", ".") for one in found):  # RFC 7505
            raise Refused("5.1.10", f"The domain {domain} takes no mail. (#5.1.10)")
        return sorted(found, key=lambda one: one.preference)

    async def addresses(self, host: str) -> list[str]:
        """IPv4 first; empty when the name has none."""
        found: list[str] = []
        kinds: tuple[Kind, ...] = ("A", "AAAA")
        for kind in kinds:
            try:
                found += (await self._ask(host, kind)).values
            except Refused:
                return found
            except TryLater:
                if not found:
                    raise
        return found

    async def _ask(self, name: str, kind: Kind) -> DnsAnswer:
        answer = await self._dns.ask(DnsQuestion(name.rstrip(".").lower(), kind))
        if answer.status is DnsStatus.NO_NAME:
            raise Refused("5.1.2", f"The domain {name} does not exist. (#5.1.2)")
        if answer.status is DnsStatus.FAILED:
            raise TryLater("4.1.2", f"DNS does not answer for {name} at the moment. (#4.1.2)")
        return answer


def _exchanger(value: str) -> Exchanger:
    preference, _, host = value.partition(" ")
    return Exchanger(int(preference), host)
