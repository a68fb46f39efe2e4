"""What a name server holds, written as the contract says it: for inspection and drift."""

from __future__ import annotations

from typing import cast, get_args

from heliosphere.agent.rules.zone_steps import FoundZone, absolute
from heliosphere.contracts.dns_zones import RecordSet, RecordType, ZoneSpec


def as_spec(name: str, found: FoundZone) -> ZoneSpec:
    """The zone as a spec; record types the contract does not know are left out."""
    apex = absolute(name)
    by_type = {item.type: item for item in found.record_sets if item.name == apex}
    soa = by_type["SOA"].values[0].split() if "SOA" in by_type else ["", "", "0", "0", "0", "0", "0"]
    records = tuple(
        RecordSet(item.name, cast(RecordType, item.type), item.ttl, item.values)
        for item in sorted(found.record_sets, key=lambda item: (item.name, item.type))
        if item.type in get_args(RecordType) and not (item.name == apex and item.type == "NS")
    )
    servers = by_type["NS"].values if "NS" in by_type else ()
    return ZoneSpec(name, servers, soa[1], records, *(int(number) for number in soa[3:7]))
