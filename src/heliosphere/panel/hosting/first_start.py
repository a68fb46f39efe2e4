"""What an installation has before anyone signs in: provider, administrator, servers of one machine.

The demo adds plans, a tax and the test gateway, so that a visitor can sign up at once. Doing it twice
changes nothing.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext as _

from heliosphere.panel.accounts import services as accounts
from heliosphere.panel.accounts.models import Provider
from heliosphere.panel.billing import services as billing
from heliosphere.panel.catalog import services as catalog
from heliosphere.panel.catalog.rules import PeriodTerms, ResourceTerms
from heliosphere.panel.dns import services as dns
from heliosphere.panel.dns.rules import RecordValue, web_records
from heliosphere.panel.domains import services as domains
from heliosphere.panel.domains.models import DomainKind
from heliosphere.panel.platform.principal import Principal, system
from heliosphere.panel.servers import services as servers
from heliosphere.panel.servers.models import ServerKind

ACTOR = system("first start")
_WORDS = (
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "glade",
    "heron",
    "iris",
    "juniper",
    "kelp",
    "lark",
    "maple",
    "north",
    "opal",
    "pine",
)


def readable_password() -> str:
    """Four words and four digits: 16^4 x 10^4, for a first sign-in that is then changed."""
    words = "-".join(secrets.choice(_WORDS) for _ in range(4))
    return f"{words}-{secrets.randbelow(10_000):04d}"


@transaction.atomic
def set_up(*, demo: bool, now: datetime) -> dict[str, str] | None:
    """Returns the administrator's login and password, or None when the installation is set up already."""
    if Provider.objects.exists():
        return None
    zone = settings.HELIOSPHERE.service_zone
    provider = Provider.objects.create(
        name="Demo Hosting" if demo else _("My hosting company"),
        email=f"info@{zone}",
        address="1 Solar Way, 10115 Berlin" if demo else "",
        checks_info=_("Send your check to the address above."),
        service_zone=zone,
        accept_cards=demo,
        created_at=now,
    )
    password = readable_password()
    accounts.create_staff(
        login="admin",
        password_hash=make_password(password),
        email=f"admin@{zone}",
        provider=provider,
        actor=ACTOR,
        now=now,
    )
    _servers_of_this_machine(provider, zone, now)
    if demo:
        _demo_catalogue(provider, now)
    return {"role": "administrator", "login": "admin", "password": password}


def _servers_of_this_machine(provider: Provider, zone: str, now: datetime) -> None:
    house = settings.HELIOSPHERE
    box = servers.add_physical(
        name="this machine", node=house.node_name, ip=house.public_ip, actor=ACTOR, now=now
    )
    kinds = {"web1": ServerKind.WEB, "mail1": ServerKind.MAIL, "ns1": ServerKind.DNS, "ns2": ServerKind.DNS}
    for label, kind in kinds.items():
        name = f"{label}.{zone}"
        servers.add_logical(name=name, kind=kind, physical=box, signup_on=True, actor=ACTOR, now=now)
    domain = domains.add_domain(
        name=zone, kind=DomainKind.SERVICE, provider=provider, account=None, actor=ACTOR, now=now
    )
    records = web_records(house.public_ip) + [
        RecordValue(label, "A", house.public_ip) for label in ("cp", *kinds)
    ]
    dns.create_zone(domain, records, actor=ACTOR, now=now, group=None)


def _demo_catalogue(provider: Provider, now: datetime) -> None:
    billing.add_tax(
        provider_id=provider.pk,
        description="VAT 19 %",
        rate_ppm=190_000,
        country="DE",
        inside=True,
        actor=ACTOR,
        now=now,
    )
    _demo_plan(provider, "Starter", "One site, one domain, five mailboxes.", (0, 490), (5, 20), ACTOR, now)
    _demo_plan(
        provider, "Business", "For a company: twenty-five mailboxes.", (990, 1290), (25, 200), ACTOR, now
    )


def _demo_plan(
    provider: Provider,
    name: str,
    text: str,
    fee: tuple[int, int],
    mailboxes: tuple[int, int],
    actor: Principal,
    now: datetime,
) -> None:
    resources = (
        ResourceTerms("account", setup_minor=fee[0], recurrent_minor=fee[1], is_switch=True),
        ResourceTerms("dns_zone", free_units=1),
        ResourceTerms("web_site", free_units=1),
        ResourceTerms("mail_domain", free_units=1),
        ResourceTerms(
            "mailbox", recurrent_minor=100, free_units=mailboxes[0], max_units=mailboxes[1], activated=False
        ),
    )
    periods = (PeriodTerms("month", 1), PeriodTerms("year", 1, setup_discount=10000, recurrent_discount=1000))
    plan = catalog.create_plan(
        provider=provider,
        name=name,
        description=text,
        access="public",
        billing_type="paid",
        credit_limit_minor=1000,
        resources=resources,
        periods=periods,
        actor=actor,
        now=now,
    )
    catalog.set_signup(plan, True, actor=actor, now=now)
