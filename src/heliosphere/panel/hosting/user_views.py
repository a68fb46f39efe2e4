"""User CP: domains with their site and records."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from heliosphere.panel.accounts.doors import PanelRequest, account_only
from heliosphere.panel.dns import queries as dns
from heliosphere.panel.domains.models import Domain
from heliosphere.panel.servers import queries as servers


@account_only
def domains(request: PanelRequest) -> HttpResponse:
    """Every domain of the account: where its site answers, its mail, and what its zone says."""
    rows = list(
        Domain.objects.of(request.principal)
        .select_related("site", "mail_domain", "zone__provider")
        .prefetch_related("zone__records")
        .order_by("name")
    )
    web_port = settings.HELIOSPHERE.port("web", 80)
    shown = [
        {
            "domain": row,
            "site_url": _address(row.site.instant_alias, web_port) if hasattr(row, "site") else "",
            "zone": dns.zone_spec(row.zone) if hasattr(row, "zone") else None,
        }
        for row in rows
    ]
    context = {
        "title": _("Domain info"),
        "domains": shown,
        "name_servers": [server.name for server in servers.name_servers()],
    }
    return render(request, "hosting/user_domains.html", context)


def _address(name: str, port: int) -> str:
    return f"http://{name}/" if port == 80 else f"http://{name}:{port}/"
