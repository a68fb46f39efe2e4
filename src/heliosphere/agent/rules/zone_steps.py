"""DNS zones: from what the name server has to what is wanted, as the fewest record set changes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from heliosphere.agent.rules.names import why_not_zone_name
from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.contracts.dns_zones import ZoneSpec

APEX_TTL = 3600
"""Seconds other servers may keep the SOA and NS of a zone."""

_NAME_LAST = frozenset({"MX", "NS", "CNAME", "PTR", "SRV"})


@dataclass(frozen=True, slots=True)
class RRSet:
    """A record set as a server keeps it: absolute lower case name, sorted values in one spelling each."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundZone:
    """What the name server holds. `account` says who made it; `serial` is the one it serves."""

    account: str
    serial: int
    record_sets: tuple[RRSet, ...]


@dataclass(frozen=True, slots=True)
class RRChange:
    """`wanted` None: take the record set away."""

    name: str
    type: str
    wanted: RRSet | None


def absolute(name: str) -> str:
    return name.lower().rstrip(".") + "."


def soa_mailbox(address: str) -> str:
    """A mail address as the SOA has it: the @ is a dot, dots before it are escaped (RFC 1035, section 8)."""
    local, at, domain = address.rpartition("@")
    return absolute(local.replace(".", "\\.") + "." + domain if at else address)


def one_spelling(kind: str, value: str) -> str:
    """The value in the spelling we compare and send: addresses compressed, names in lower case."""
    value = " ".join(value.split()) if kind in _NAME_LAST else value.strip()
    if kind in _NAME_LAST:
        return value.lower()
    if kind in {"A", "AAAA"}:
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            return value
    return value


def rrset(name: str, kind: str, ttl: int, values: Iterable[str]) -> RRSet:
    return RRSet(absolute(name), kind, ttl, tuple(sorted({one_spelling(kind, value) for value in values})))


def why_not_zone(wanted: ZoneSpec) -> str | None:
    """Why no name server should be asked for this zone, or None."""
    apex = absolute(wanted.name)
    if reason := why_not_zone_name(wanted.name):
        return reason
    if not wanted.nameservers:
        return "a zone needs at least one name server"
    for record in wanted.records:
        owner = absolute(record.name)
        if owner != apex and not owner.endswith("." + apex):
            return f"{record.name} does not lie in {wanted.name}"
        if not record.values:
            return f"{record.name} {record.type} has no value"
    return None


def wanted_record_sets(wanted: ZoneSpec, serial: int) -> tuple[RRSet, ...]:
    """Every record set of the zone, SOA and NS made from the zone's own fields.

    `serial` is passed through: the server raises it itself when something changes.
    """
    apex = absolute(wanted.name)
    soa = (
        f"{absolute(wanted.nameservers[0])} {soa_mailbox(wanted.hostmaster)} {serial}"
        f" {wanted.refresh} {wanted.retry} {wanted.expire} {wanted.minimum}"
    )
    sets = {
        (apex, "SOA"): RRSet(apex, "SOA", APEX_TTL, (soa,)),
        (apex, "NS"): rrset(apex, "NS", APEX_TTL, [absolute(server) for server in wanted.nameservers]),
    }
    for record in wanted.records:
        made = rrset(record.name, record.type, record.ttl, record.values)
        sets[made.name, made.type] = made
    return tuple(sets[key] for key in sorted(sets))


def changed_record_sets(found: FoundZone, wanted: ZoneSpec) -> tuple[RRChange, ...]:
    """What differs, the serial left out of it; empty when the zone is as wanted."""
    have = {(item.name, item.type): item for item in found.record_sets}
    want = {(item.name, item.type): item for item in wanted_record_sets(wanted, found.serial)}
    replaced = [RRChange(*key, want[key]) for key in want if want[key] != have.get(key)]
    gone = [RRChange(*key, None) for key in have if key not in want]
    return tuple(sorted(replaced + gone, key=lambda change: (change.name, change.type)))


def zone_steps(found: FoundZone | None, wanted: ZoneSpec) -> Plan:
    """One step at most: the server takes all changes of a zone in one transaction."""
    if found is None:
        count = len(wanted_record_sets(wanted, 0))
        return (Step("create", f"make the zone {wanted.name} with {count} record sets"),)
    changes = changed_record_sets(found, wanted)
    if not changes:
        return ()
    named = ", ".join(f"{'remove' if c.wanted is None else 'set'} {c.name} {c.type}" for c in changes[:6])
    more = f" and {len(changes) - 6} more" if len(changes) > 6 else ""
    return (Step("change", f"change {wanted.name}: {named}{more}", changes),)
