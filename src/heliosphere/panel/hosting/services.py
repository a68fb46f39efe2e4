"""The verbs on a whole account. Each is one transaction: rows, ledger, audit trail and jobs together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from heliosphere.panel.accounts import rules as account_rules
from heliosphere.panel.accounts.models import Account, AccountKind, AccountState, ContactInfo, Provider, User
from heliosphere.panel.accounts.rules import SuspendAgent
from heliosphere.panel.billing import services as billing
from heliosphere.panel.billing.rules.taxes import Document
from heliosphere.panel.catalog import queries as catalog
from heliosphere.panel.catalog import services as catalog_services
from heliosphere.panel.catalog.models import Plan, PlanPeriod
from heliosphere.panel.catalog.rules import period_end
from heliosphere.panel.dns import rules as dns_rules
from heliosphere.panel.dns import services as dns
from heliosphere.panel.domains import services as domains
from heliosphere.panel.domains.models import DomainKind
from heliosphere.panel.hosting import charges, notices
from heliosphere.panel.mail import services as mail
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import NotYours, Refused
from heliosphere.panel.platform.jobs.models import JobGroup
from heliosphere.panel.platform.jobs.queue import open_group
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.servers import queries as servers
from heliosphere.panel.servers.models import ServerKind
from heliosphere.panel.web import services as web


@dataclass(frozen=True, slots=True)
class Contact:
    """Who holds the account, as typed."""

    first_name: str
    last_name: str
    address: str
    city: str
    postal_code: str
    country: str
    email: str
    company: str = ""
    state: str = ""
    phone: str = ""


@transaction.atomic
def open_account(
    *,
    user: User,
    plan: Plan,
    period: PlanPeriod,
    contact: Contact,
    domain: str | None,
    domain_kind: DomainKind,
    document: Document,
    actor: Principal,
    now: datetime,
) -> tuple[Account, JobGroup]:
    """Open an account with everything its plan switches on, book its first bill, queue the work on the nodes.

    `document` is what the customer agreed to; it is booked as it is.
    """
    account = _account_row(user, plan, period, now)
    row = ContactInfo(provider_id=plan.provider_id, account=account, created_at=now)
    for name, value in asdict(contact).items():
        setattr(row, name, value)
    row.save(force_insert=True)
    after = {"plan": plan.name, "period": str(period), "domain": domain}
    audit.record("account.opened", account, actor=actor, now=now, after=after)
    _hold_flat_resources(account, plan, with_domain=domain is not None)
    group = open_group(
        _("Setting up account %s") % account,
        actor=actor,
        now=now,
        provider_id=account.provider_id,
        account_id=account.pk,
    )
    if domain is not None:
        add_hosted_domain(account, domain, domain_kind, actor=actor, now=now, group=group)
    billing.issue_invoice(account, document, today=now.date(), key="signup", actor=actor, now=now)
    notices.tell_customer(notices.WELCOME, account, actor=actor, now=now)
    return account, group


def _account_row(user: User, plan: Plan, period: PlanPeriod, now: datetime) -> Account:
    today = now.date()
    return Account.objects.create(
        provider_id=plan.provider_id,
        user=user,
        kind=AccountKind.USER,
        plan=plan,
        period=period,
        currency=plan.currency,
        credit_limit_minor=plan.credit_limit_minor,
        period_begin=today,
        period_end=period_end(today, catalog.period_terms(period)),
        created_at=now,
    )


def _hold_flat_resources(account: Account, plan: Plan, *, with_domain: bool) -> None:
    for name, units in charges.signup_units(plan, with_domain=with_domain).items():
        if name not in charges.DOMAIN_RESOURCES:
            catalog_services.hold_units(account, name, units)


@transaction.atomic
def add_hosted_domain(
    account: Account, name: str, kind: DomainKind, *, actor: Principal, now: datetime, group: JobGroup
) -> None:
    """A domain with every service of the plan: site, mail, and the zone that ties them together."""
    assert account.plan is not None
    domain = domains.add_domain(
        name=name, kind=kind, provider=account.provider, account=account, actor=actor, now=now
    )
    held = charges.signup_units(account.plan, with_domain=True)
    records: list[dns_rules.RecordValue] = []
    if "web_site" in held:
        server = servers.pick(ServerKind.WEB)
        web.create_site(domain, account, server=server, actor=actor, now=now, group=group)
        records += dns_rules.web_records(servers.address_of(server))
    if "mail_domain" in held:
        server = servers.pick(ServerKind.MAIL)
        mail.create_mail_domain(domain, account, server=server, actor=actor, now=now, group=group)
        records += dns_rules.mail_records(server.name, servers.address_of(server))
    if "dns_zone" in held:
        dns.create_zone(domain, records, actor=actor, now=now, group=group)


@transaction.atomic
def suspend_account(
    account: Account, *, reason: str, agent: SuspendAgent, actor: Principal, now: datetime
) -> JobGroup:
    """Close the panel, show the suspended page, refuse mail logins; nothing stored is touched."""
    account = Account.objects.locked(actor, pk=account.pk)
    reason = reason.strip()
    if not reason:
        raise Refused(_("Say why: the customer reads it."), code="no-reason", field="reason")
    if account.kind != AccountKind.USER:
        raise Refused(_("Only customer accounts can be suspended."), code="not-a-customer")
    if account.state != AccountState.ACTIVE:
        raise Refused(_("This account is not active."), code="not-active")
    account.state, account.suspended_at = AccountState.SUSPENDED, now
    account.suspend_agent, account.suspend_reason = agent, reason[:300]
    account.save()
    audit.record("account.suspended", account, actor=actor, now=now, after={"reason": reason, "agent": agent})
    notices.tell_customer(notices.SUSPENDED, account, actor=actor, now=now)
    return _push_services(account, _("Suspending account %s") % account, actor=actor, now=now)


@transaction.atomic
def resume_account(account: Account, *, agent: SuspendAgent, actor: Principal, now: datetime) -> JobGroup:
    """Give everything back as it was. Who suspended decides who may."""
    account = Account.objects.locked(actor, pk=account.pk)
    if not account.is_suspended:
        raise Refused(_("This account is not suspended."), code="not-suspended")
    if not account_rules.may_resume(account.suspend_agent, agent):
        raise Refused(_("This suspension is not yours to end."), code="not-your-suspension")
    before = {"reason": account.suspend_reason, "agent": account.suspend_agent}
    account.state, account.suspended_at = AccountState.ACTIVE, None
    account.suspend_agent = account.suspend_reason = ""
    account.save()
    audit.record("account.resumed", account, actor=actor, now=now, before=before)
    notices.tell_customer(notices.RESUMED, account, actor=actor, now=now)
    return _push_services(account, _("Resuming account %s") % account, actor=actor, now=now)


def _push_services(account: Account, title: str, *, actor: Principal, now: datetime) -> JobGroup:
    group = open_group(title, actor=actor, now=now, provider_id=account.provider_id, account_id=account.pk)
    suspended = account.is_suspended
    for site in account.sites.select_related("server__physical"):
        web.push_site(site, suspended=suspended, actor=actor, now=now, group=group)
    for row in account.mail_domains.select_related("server__physical"):
        mail.push_mail_domain(row, suspended=suspended, actor=actor, now=now, group=group)
    return group


@transaction.atomic
def change_company(provider: Provider, values: dict[str, str], *, actor: Principal, now: datetime) -> None:
    """Company info of the acting provider."""
    if provider.pk != actor.provider_id:
        raise NotYours()
    row = Provider.objects.select_for_update().get(pk=provider.pk)
    before = {name: getattr(row, name) for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))
    audit.record("company.changed", row, actor=actor, now=now, before=before, after=values)
