"""Writes about sites."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from heliosphere.contracts.sites import SiteSpec
from heliosphere.panel.accounts.models import Account
from heliosphere.panel.catalog import services as catalog
from heliosphere.panel.domains.models import Domain
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.jobs.models import JobGroup
from heliosphere.panel.platform.jobs.queue import queue_job
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.platform.provisioned import Reality
from heliosphere.panel.servers.models import LogicalServer
from heliosphere.panel.web.models import Site


@transaction.atomic
def create_site(
    domain: Domain,
    account: Account,
    *,
    server: LogicalServer,
    actor: Principal,
    now: datetime,
    group: JobGroup | None,
) -> Site:
    """A site for a domain; it also answers at an instant alias until the domain points here."""
    catalog.hold_units(account, "web_site", 1)
    site = Site.objects.create(
        provider=domain.provider,
        account=account,
        domain=domain,
        server=server,
        name=domain.name,
        instant_alias=f"u{domain.pk}.{settings.HELIOSPHERE.instant_alias_zone}",
    )
    audit.record("site.created", site, actor=actor, now=now)
    push_site(site, suspended=account.is_suspended, actor=actor, now=now, group=group)
    return site


def site_spec(site: Site, *, suspended: bool) -> SiteSpec:
    """What the web server should have for `site`."""
    return SiteSpec(
        name=site.name,
        owner=f"u{site.account_id}",
        aliases=(f"www.{site.name}", site.instant_alias),
        state="suspended" if suspended else "live",
    )


def push_site(
    site: Site, *, suspended: bool, actor: Principal, now: datetime, group: JobGroup | None = None
) -> None:
    """Queue the site as it should be now. Inside the caller's transaction."""
    site.reality = Reality.PENDING
    site.save(update_fields=["reality"])
    queue_job(
        "web_site.apply",
        site_spec(site, suspended=suspended),
        title=_("Web site %s") % site,
        node=site.server.physical.node,
        object_key=f"web:{site.name}",
        actor=actor,
        now=now,
        group=group,
        provider_id=site.provider_id,
        account_id=site.account_id,
    )
