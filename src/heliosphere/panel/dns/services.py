"""Writes about zones: rows here, the zone itself by a job."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from heliosphere.panel.catalog import services as catalog
from heliosphere.panel.dns import queries
from heliosphere.panel.dns.models import Record, Zone
from heliosphere.panel.dns.rules import RecordValue
from heliosphere.panel.domains.models import Domain
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.jobs.models import JobGroup
from heliosphere.panel.platform.jobs.queue import queue_job
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.platform.provisioned import Reality
from heliosphere.panel.servers import queries as servers
from heliosphere.panel.servers.models import ServerKind


@transaction.atomic
def create_zone(
    domain: Domain, records: Iterable[RecordValue], *, actor: Principal, now: datetime, group: JobGroup | None
) -> Zone:
    """A zone for a domain with the records its services bring."""
    if domain.account is not None:
        catalog.hold_units(domain.account, "dns_zone", 1)
    zone = Zone.objects.create(
        provider=domain.provider,
        account=domain.account,
        domain=domain,
        server=servers.pick(ServerKind.DNS),
        name=domain.name,
    )
    Record.objects.bulk_create(
        Record(
            zone=zone, name=record.name, type=record.type, ttl=record.ttl, value=record.value, builtin=True
        )
        for record in records
    )
    audit.record("zone.created", zone, actor=actor, now=now)
    push_zone(zone, actor=actor, now=now, group=group)
    return zone


def push_zone(zone: Zone, *, actor: Principal, now: datetime, group: JobGroup | None = None) -> None:
    """Queue the zone as it stands now. Inside the caller's transaction."""
    zone.reality = Reality.PENDING
    zone.save(update_fields=["reality"])
    queue_job(
        "dns_zone.apply",
        queries.zone_spec(zone),
        title=_("DNS zone %s") % zone,
        node=zone.server.physical.node,
        object_key=f"dns:{zone.name}",
        actor=actor,
        now=now,
        group=group,
        provider_id=zone.provider_id,
        account_id=zone.account_id,
    )
