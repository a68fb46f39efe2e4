"""pyspf 2.0.14 asked about the same world."""

from __future__ import annotations

import warnings

from tests.mta.auth_mail.random_spf import World

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import spf


def pyspf_result(world: World) -> tuple[str, str]:
    """Result and the text pyspf gives for it."""
    before = spf.DNSLookup
    spf.DNSLookup = _lookup_in(world)
    try:
        result, _, text = spf.query(
            i=world.client, s=world.sender, h=world.helo, receiver="mx.receiver.test"
        ).check()
    finally:
        spf.DNSLookup = before
    return result, text


def _lookup_in(world: World):
    def lookup(name: str, kind: str, strict: bool = True, timeout: int = 20):
        key = name.lower().rstrip("."), kind
        if key in world.failing:
            raise spf.TempError("DNS timeout")
        return [((name, kind), _value(kind, one)) for one in world.zone.get(key, ())]

    return lookup


def _value(kind: str, text: str) -> object:
    if kind == "MX":
        preference, host = text.split()
        return int(preference), host
    return (text.encode("latin-1"),) if kind == "TXT" else text
