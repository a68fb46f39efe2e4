"""A small provider with servers and a plan, and the people around it. Time stands still at NOW."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache

from heliosphere.contracts.jobs import JobEnvelope, JobOutcome
from heliosphere.panel.accounts import services as accounts
from heliosphere.panel.accounts.models import Account, Provider, User
from heliosphere.panel.catalog import services as catalog
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.catalog.rules import PeriodTerms, ResourceTerms
from heliosphere.panel.platform.jobs import queue
from heliosphere.panel.platform.jobs.run import run_claimed
from heliosphere.panel.platform.principal import Principal, system
from heliosphere.panel.servers import services as servers
from heliosphere.panel.servers.models import ServerKind

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
SYSTEM = system("test")

TERMS = (
    ResourceTerms("account", setup_minor=500, recurrent_minor=1000, is_switch=True),
    ResourceTerms("dns_zone", free_units=1),
    ResourceTerms("web_site", free_units=1),
    ResourceTerms("mail_domain", free_units=1),
    ResourceTerms("mailbox", recurrent_minor=100, free_units=2, max_units=4, activated=False),
)
PERIODS = (PeriodTerms("month", 1), PeriodTerms("year", 1, recurrent_discount=1000))
CONTACT = {
    "first_name": "Anna", "last_name": "Berg", "address": "Long Street 1", "city": "Hamburg",
    "postal_code": "20095", "country": "DE", "email": "anna@mail.test",
}  # fmt: skip


@dataclass
class House:
    """What most tests need."""

    provider: Provider
    admin: Principal
    plan: Plan


def make_provider(
    name: str = "Sun Hosting", parent: Provider | None = None, zone: str = "sun.test"
) -> Provider:
    return Provider.objects.create(
        name=name,
        parent=parent,
        email=f"info@{zone}",
        service_zone=zone,
        created_at=NOW,
        accept_cards=True,
    )


def make_staff(provider: Provider, login: str) -> Principal:
    from heliosphere.panel.accounts import queries

    account = accounts.create_staff(
        login=login,
        password_hash=make_password(PASSWORD),
        email=f"{login}@{provider.service_zone}",
        provider=provider,
        actor=SYSTEM,
        now=NOW,
    )
    return queries.principal_of(account.user)


def make_plan(provider: Provider, name: str = "Basic", **changes: object) -> Plan:
    wanted = {
        "access": "public",
        "billing_type": "paid",
        "credit_limit_minor": 2000,
        "resources": TERMS,
        "periods": PERIODS,
    } | changes
    plan = catalog.create_plan(provider=provider, name=name, actor=SYSTEM, now=NOW, **wanted)  # type: ignore[arg-type]
    catalog.set_signup(plan, True, actor=SYSTEM, now=NOW)
    plan.refresh_from_db()
    return plan


@pytest.fixture
def house(db: None) -> House:
    provider = make_provider()
    admin = make_staff(provider, "admin")
    box = servers.add_physical(name="one", node="local", ip="127.0.0.1", actor=SYSTEM, now=NOW)
    for name, kind in (("web1", "web"), ("mail1", "mail"), ("ns1", "dns"), ("ns2", "dns")):
        servers.add_logical(
            name=f"{name}.sun.test",
            kind=ServerKind(kind),
            physical=box,
            signup_on=True,
            actor=SYSTEM,
            now=NOW,
        )
    return House(provider, admin, make_plan(provider))


@pytest.fixture(autouse=True)
def _nothing_is_counted_yet() -> None:
    """Limits count in the cache, which outlives a test."""
    cache.clear()


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests get NOW as their time."""
    monkeypatch.setattr("heliosphere.panel.platform.middleware.system_clock", lambda: NOW)


class WillingNode:
    """An executor that does as told, and remembers what it was told."""

    def __init__(self) -> None:
        self.seen: list[JobEnvelope] = []

    def run(self, envelope: JobEnvelope, report: object, cancelled: object) -> JobOutcome:
        self.seen.append(envelope)
        return JobOutcome(envelope.job_id, envelope.fence, "done", changes=("done",))


def run_all_jobs(executor: object | None = None, at: datetime = NOW) -> WillingNode:
    """Run every due job, in order, until none is left."""
    node = executor or WillingNode()
    while envelope := queue.claim("test", at):
        run_claimed(envelope, node, lambda: at)  # type: ignore[arg-type]
    return node  # type: ignore[return-value]


def open_customer(house: House, login: str = "anna", domain: str | None = "anna.sun.test") -> Account:
    """A customer account opened the way the wizard does it, jobs not run yet."""
    user = accounts.create_user(
        login=login,
        password_hash=make_password(PASSWORD),
        email="anna@mail.test",
        provider=house.provider,
        actor=SYSTEM,
        now=NOW,
    )
    return _open_account(house, user, domain)


def open_second_account(house: House, first: Account, domain: str = "shop.sun.test") -> Account:
    """Another account of the same user."""
    return _open_account(house, first.user, domain)


def _open_account(house: House, user: User, domain: str | None) -> Account:
    from heliosphere.panel.domains.models import DomainKind
    from heliosphere.panel.hosting import charges
    from heliosphere.panel.hosting import services as hosting

    period = house.plan.periods.all()[0]
    document = charges.signup_document(
        house.plan, period, with_domain=domain is not None, country="DE", today=NOW.date()
    )
    account, _ = hosting.open_account(
        user=user,
        plan=house.plan,
        period=period,
        contact=hosting.Contact(**CONTACT),
        domain=domain,
        domain_kind=DomainKind.THIRD_LEVEL,
        document=document,
        actor=SYSTEM,
        now=NOW,
    )
    return account
