"""Writes about servers."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from heliosphere.panel.platform import audit
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.servers.models import (
    IpAddress,
    IpKind,
    LogicalServer,
    PhysicalServer,
    ServerGroup,
    ServerKind,
)


@transaction.atomic
def add_physical(*, name: str, node: str, ip: str, actor: Principal, now: datetime) -> PhysicalServer:
    """A machine with an agent; the same again changes nothing."""
    row, is_new = PhysicalServer.objects.get_or_create(node=node, defaults={"name": name, "ip": ip})
    if is_new:
        audit.record("physical-server.added", row, actor=actor, now=now, after={"ip": ip})
    return row


@transaction.atomic
def add_logical(
    *, name: str, kind: ServerKind, physical: PhysicalServer, signup_on: bool, actor: Principal, now: datetime
) -> LogicalServer:
    """A service on a machine, in the default group of its kind; the same again changes nothing."""
    group = ServerGroup.objects.get_or_create(kind=kind, defaults={"name": str(ServerKind(kind).label)})[0]
    row, is_new = LogicalServer.objects.get_or_create(
        name=name, defaults={"group": group, "physical": physical, "signup_on": signup_on}
    )
    if is_new:
        ip_kind = IpKind.SHARED if kind == ServerKind.WEB else IpKind.SERVICE
        IpAddress.objects.create(server=row, ip=physical.ip, kind=ip_kind)
        audit.record("logical-server.added", row, actor=actor, now=now, after={"kind": kind})
    return row


@transaction.atomic
def set_signup(row: LogicalServer, on: bool, *, actor: Principal, now: datetime) -> None:
    """Open or close a server for new customers; those on it are not touched."""
    row = LogicalServer.objects.select_for_update().get(pk=row.pk)
    if row.signup_on != on:
        row.signup_on = on
        row.save(update_fields=["signup_on"])
        audit.record(
            "logical-server.signup", row, actor=actor, now=now, before={"on": not on}, after={"on": on}
        )
