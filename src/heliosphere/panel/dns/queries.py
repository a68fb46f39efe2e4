"""Reads about zones."""

from __future__ import annotations

from heliosphere.contracts.dns_zones import RecordSet, ZoneSpec
from heliosphere.panel.dns import rules
from heliosphere.panel.dns.models import Zone
from heliosphere.panel.servers import queries as servers


def zone_spec(zone: Zone) -> ZoneSpec:
    """What the name servers should have for `zone`."""
    values = [
        rules.RecordValue(row.name, row.type, row.value, row.ttl) for row in zone.records.order_by("id")
    ]
    sets = rules.record_sets(values, zone.name)
    return ZoneSpec(
        name=zone.name,
        nameservers=tuple(f"{server.name}." for server in servers.name_servers()),
        hostmaster=f"hostmaster.{zone.provider.service_zone}.",
        records=tuple(RecordSet(name, kind, ttl, found) for name, kind, ttl, found in sets),  # type: ignore[arg-type]
    )
