"""DNS questions of the sender. The library is loaded with the first question: most servers' senders idle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliosphere.mta.rules.errors import Refused, TryLater

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.resolver import Answer

LIFETIME = 20.0
"""Seconds for one question with all its retries."""


@dataclass(frozen=True, slots=True)
class Exchanger:
    preference: int
    host: str


class DnsResolver:
    """Asks `server` (address, port), or those of the machine when None."""

    def __init__(self, server: tuple[str, int] | None = None) -> None:
        self._server = server
        self._resolver: Resolver | None = None

    async def exchangers(self, domain: str) -> list[Exchanger]:
        """Mail exchangers by preference; the domain itself when it names none (RFC 5321, 5.1).

        Raises Refused for a domain that does not exist or takes no mail, TryLater for trouble.
        """
        answer = await self._ask(domain, "MX")
        if answer is None or answer.rrset is None:
            return [Exchanger(0, domain)]
        found = [Exchanger(one.preference, one.exchange.to_text(True)) for one in answer]
        if [one.host for one in found] in ([""], ["."], ["@"]):  # RFC 7505
            raise Refused("5.1.10", f"The domain {domain} takes no mail. (#5.1.10)")
        return sorted(found, key=lambda one: one.preference)

    async def addresses(self, host: str) -> list[str]:
        """IPv4 first; empty when the name has none."""
        found: list[str] = []
        for kind in ("A", "AAAA"):
            try:
                answer = await self._ask(host, kind)
            except Refused:
                return found
            except TryLater:
                if not found:
                    raise
                return found
            if answer is not None and answer.rrset is not None:
                found += [one.address for one in answer]
        return found

    async def _ask(self, name: str, kind: str) -> Answer | None:
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            return await self._get().resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            raise Refused("5.1.2", f"The domain {name} does not exist. (#5.1.2)") from error
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong) as error:
            raise Refused("5.1.2", f"{name} is not a domain name. (#5.1.2)") from error
        except (dns.exception.DNSException, OSError) as error:
            raise TryLater("4.1.2", f"DNS does not answer for {name} at the moment. (#4.1.2)") from error

    def _get(self) -> Resolver:
        from dns.asyncresolver import Resolver

        if self._resolver is None:
            resolver = Resolver(configure=self._server is None)
            if self._server is not None:
                resolver.nameservers = [self._server[0]]
                resolver.port = self._server[1]
            resolver.lifetime = LIFETIME
            self._resolver = resolver
        return self._resolver
