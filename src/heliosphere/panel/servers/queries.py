"""Which server serves the next customer, and at which address."""

from __future__ import annotations

import secrets

from django.utils.translation import gettext as _

from heliosphere.panel.platform.errors import TryLater
from heliosphere.panel.servers.models import IpAddress, LogicalServer, ServerKind


def pick(kind: ServerKind) -> LogicalServer:
    """A random server open for signup, so that load spreads. Raises TryLater when there is none."""
    rows = list(
        LogicalServer.objects.filter(group__kind=kind, signup_on=True)
        .select_related("physical")
        .order_by("id")
    )
    if not rows:
        raise TryLater(
            _("No %s server is open for new customers.") % ServerKind(kind).label,
            code="no-server",
            advice=_("Staff: open one under E.Manager, Servers, L.Servers."),
        )
    return secrets.choice(rows)


def name_servers() -> list[LogicalServer]:
    """The name servers, in the order they appear in a zone."""
    return list(
        LogicalServer.objects.filter(group__kind=ServerKind.DNS, signup_on=True)
        .select_related("physical")
        .order_by("name")
    )


def address_of(server: LogicalServer) -> str:
    """The address customers' names point to: shared or service, else the machine's own."""
    row = IpAddress.objects.filter(server=server, kind__in=("shared", "service")).order_by("tag").first()
    return row.ip if row else server.physical.ip
