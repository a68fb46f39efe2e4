"""SPF results that need no second look: the same client, domain and answers of the DNS lead to the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from heliosphere.mta.rules.dns_facts import DnsAnswer, DnsQuestion
from heliosphere.mta.rules.origin.spf import SpfRequest, SpfResult

MOST_KEPT = 2_000


class SpfMemory:
    """Kept is only what does not depend on more than client, domain and this host's own rules: no macro was
    in reach, and no text was made for a refusal."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], SpfResult] = OrderedDict()

    def find(self, request: SpfRequest, known: Callable[[DnsQuestion], DnsAnswer | None]) -> SpfResult | None:
        """The result, if each answer that led to it is still the one that `known` gives: when one runs out
        or is asked for anew, the check is made again."""
        key = _key(request)
        result = self._kept.get(key) if key is not None else None
        if result is None or any(known(question) is not answer for question, answer in result.lookups):
            return None
        return result

    def keep(self, request: SpfRequest, result: SpfResult) -> None:
        key = _key(request)
        if key is None or result.explanation or _has_macros(result):
            return
        self._kept[key] = result
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def _key(request: SpfRequest) -> tuple[str, ...] | None:
    """None where local part, greeting or time might be asked for."""
    own = (request.rules, request.guess, request.explanation)
    local, at, domain = request.sender.rpartition("@")
    if not at or not local.isascii() or any("%" in text for text in own):
        return None
    return (request.ip, domain, *own)


def _has_macros(result: SpfResult) -> bool:
    return any("%" in text for _, answer in result.lookups for text in answer.values)
