"""A provider as it looks after a busy month: plans, customers, bills, and jobs in every state.

Rows come from the same services the panel uses, so what the screens show can really happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.hashers import make_password

from heliosphere.contracts.jobs import JobEnvelope, JobEvent, JobOutcome
from heliosphere.panel.accounts.models import Account, User
from heliosphere.panel.billing import services as billing
from heliosphere.panel.billing.gateways.base import PaymentPage, SessionState
from heliosphere.panel.billing.models import Invoice, PaymentMethod
from heliosphere.panel.catalog import services as catalog
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.catalog.rules import PeriodTerms, ResourceTerms
from heliosphere.panel.hosting import services as hosting
from heliosphere.panel.mail import services as mail
from heliosphere.panel.mail.models import Mailbox
from heliosphere.panel.platform.errors import TryLater
from heliosphere.panel.platform.jobs import queue
from heliosphere.panel.platform.jobs.models import Job, JobState
from heliosphere.panel.platform.jobs.run import run_claimed
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.servers import services as servers
from heliosphere.panel.servers.models import ServerKind
from heliosphere.panel.signup import services as signup
from heliosphere.panel.signup.models import SignupRequest
from tests.panel.conftest import (
    CONTACT,
    NOW,
    PASSWORD,
    SYSTEM,
    TERMS,
    House,
    make_plan,
    make_provider,
    make_staff,
    open_customer,
    run_all_jobs,
)

VISITOR = Principal("visitor", "visitor", address="192.0.2.1")
BIG_TERMS = (
    *(terms for terms in TERMS if terms.type not in ("account", "mailbox")),
    ResourceTerms("account", setup_minor=0, recurrent_minor=2490, is_switch=True),
    ResourceTerms("mailbox", recurrent_minor=80, free_units=25, max_units=200, activated=False),
)
PERIODS = (
    PeriodTerms("month", 1),
    PeriodTerms("month", 6, recurrent_discount=500),
    PeriodTerms("year", 1, setup_discount=10000, recurrent_discount=1250),
)
CUSTOMERS = (
    "bakery-lindner", "cafe-amsel", "dachdecker-voss", "elbe-yoga", "foto-krause", "gasthof-zum-anker",
    "hofladen-thiel", "imkerei-sommer", "jazzclub-nord", "kanzlei-dr-weiss-und-partner", "lakritzladen",
    "musikschule", "nordlicht-design", "optik-brandt", "physio-am-park", "quartierverein", "radhaus",
    "schreinerei-ott", "tanzhaus", "umzuege-meyer", "velo-doktor", "weinkontor", "xylophon-ev", "yachtclub",
    "zahnarzt-reuter", "atelier-blau", "buchhandlung-am-markt", "chor-cantabile", "druckerei-pohl", "eiscafe",
)  # fmt: skip


class FakeGateway:
    """A payment service that answers as the test sets it."""

    name, label = "test", "Test gateway"

    def __init__(self) -> None:
        self.state, self.is_down = "open", False

    def open_page(self, **wanted: object) -> PaymentPage:
        return PaymentPage("s1", "http://gateway.test/pay/s1")

    def look(self, session: str) -> SessionState:
        if self.is_down:
            raise TryLater("no answer", code="gateway-down")
        return SessionState(self.state, payment="p1", message="insufficient funds")  # type: ignore[arg-type]

    def obey(self, screen: str) -> None:
        """Be as the screen of that name needs it."""
        self.state = "declined" if screen == "signup-declined" else "open"
        self.is_down = screen == "signup-wait"

    def capture(self, payment: str, *, key: str, amount_minor: int) -> None: ...

    def void(self, payment: str, *, key: str) -> None: ...


class TroubledNode:
    """An executor whose DNS server refuses and whose web server never answers."""

    def run(self, envelope: JobEnvelope, report: object, cancelled: object) -> JobOutcome:
        endings = {
            "dns_zone.apply": JobOutcome(
                envelope.job_id,
                envelope.fence,
                "refused",
                code="dns-refused",
                message="The DNS server does not accept this zone: a name server is missing.",
                advice="Add a name server under E.Manager, then try again.",
            ),
            "web_site.apply": JobOutcome(
                envelope.job_id,
                envelope.fence,
                "try_later",
                code="web-down",
                message="The web server web1.sun.test does not answer.",
                advice="Look whether it runs; the job goes on by itself once it answers.",
            ),
        }
        done = JobOutcome(envelope.job_id, envelope.fence, "done", changes=("written",))
        return endings.get(envelope.kind, done)


@dataclass
class World:
    """The house, and the few objects that pages are about."""

    house: House
    gateway: FakeGateway
    free_plan: Plan
    account: Account
    plain: Account
    suspended: Account
    troubled: Account
    working: Account
    drafts: dict[str, SignupRequest] = field(default_factory=dict)

    def settle(self, rejected: SignupRequest, approved: SignupRequest) -> None:
        """Staff have their say about two signups."""
        signup.reject(rejected, reason="The address does not exist.", actor=self.house.admin, now=NOW)
        signup.approve(approved, check_number="77", amount_minor=None, actor=self.house.admin, now=NOW)

    def mailbox(self) -> Mailbox:
        return Mailbox.everything.filter(domain__account=self.account).first()

    def mail_domain(self) -> int:
        return self.account.mail_domains.get().pk

    def invoice(self) -> Invoice:
        return Invoice.everything.filter(account=self.account).order_by("pk").first()

    def group(self, account: Account) -> int:
        return Job.everything.filter(account_id=account.pk).first().group_id

    def job(self, state: JobState) -> int:
        return Job.everything.filter(state=state).order_by("-pk").first().pk

    def moderated(self) -> SignupRequest:
        return SignupRequest.everything.filter(state="moderated").order_by("submitted_at").first()


def build() -> World:
    """Everything, in about a second."""
    provider = make_provider(name="Sun Hosting")
    provider.address, provider.phone = "Harbour Street 12, 20457 Hamburg, Germany", "+49 40 1234567"
    provider.checks_info = "Payable to Sun Hosting, Harbour Street 12, 20457 Hamburg."
    provider.save()
    admin = make_staff(provider, "admin")
    _servers()
    house = House(provider, admin, make_plan(provider, "Starter", description="One site, mail and a name."))
    _settings(house)
    free = _plans(house)
    gateway = FakeGateway()
    accounts = _customers(house)
    world = World(house, gateway, free, *accounts)
    _signups(world)
    return world


def _servers() -> None:
    box = servers.add_physical(name="one", node="local", ip="203.0.113.10", actor=SYSTEM, now=NOW)
    far = servers.add_physical(name="two.fra.sun.test", node="fra", ip="2001:db8::17", actor=SYSTEM, now=NOW)
    kinds = (("web1", "web", box), ("mail1", "mail", box), ("ns1", "dns", box), ("ns2", "dns", far))
    for name, kind, physical in kinds:
        servers.add_logical(
            name=f"{name}.sun.test",
            kind=ServerKind(kind),
            physical=physical,
            signup_on=True,
            actor=SYSTEM,
            now=NOW,
        )


def _settings(house: House) -> None:
    billing.add_tax(
        provider_id=house.provider.pk,
        description="VAT 19 %",
        rate_ppm=190_000,
        country="DE",
        inside=True,
        actor=house.admin,
        now=NOW,
    )


def _plans(house: House) -> Plan:
    make_plan(
        house.provider,
        "Business",
        description="For shops and offices: more mailboxes, a lower price for a longer time.",
        resources=BIG_TERMS,
        periods=PERIODS,
        credit_limit_minor=10_000,
    )
    free = make_plan(house.provider, "Club", description="For clubs and schools.", billing_type="free")
    staff_only = make_plan(house.provider, "Family and friends", access="admin")
    catalog.set_signup(staff_only, False, actor=house.admin, now=NOW)
    catalog.set_signup(staff_only, True, actor=house.admin, now=NOW)
    closed = make_plan(house.provider, "Winter 2025")
    catalog.set_signup(closed, False, actor=house.admin, now=NOW)
    return free


def _customers(house: House) -> tuple[Account, Account, Account, Account, Account]:
    rows = [open_customer(house, name, f"{name}.sun.test") for name in CUSTOMERS]
    plain = open_customer(house, "no-domain", None)
    run_all_jobs(at=NOW)
    main, suspended = rows[0], rows[1]
    _pay(house, main, 1785)
    _mailboxes(house, main)
    hosting.suspend_account(
        suspended, reason="Two invoices are unpaid since January.", agent="admin", actor=house.admin, now=NOW
    )
    run_all_jobs(at=NOW)
    for place, row in enumerate(rows[2:20]):
        _pay(house, row, 1785 if place % 3 else 2000)
    troubled = open_customer(house, "pension-seeblick", "pension-seeblick.sun.test")
    _let_fail(troubled)
    working = open_customer(house, "reisebuero-fern", "reisebuero-fern.sun.test")
    _let_work(working)
    for row in (main, suspended):
        row.refresh_from_db()
    return main, plain, suspended, troubled, working


def _pay(house: House, row: Account, amount: int) -> None:
    billing.record_payment(
        row,
        method=PaymentMethod.CHECK,
        amount_minor=amount,
        reference=f"CHK-{row.pk:05}",
        actor=house.admin,
        now=NOW,
    )


def _mailboxes(house: House, row: Account) -> None:
    comments = {"info": "front desk", "orders": "", "a.very.long.name.for.a.mailbox.of.the.bakery": "seldom"}
    for local, comment in comments.items():
        mail.open_mailbox(
            row.mail_domains.get(),
            local=local,
            password=PASSWORD,
            quota_mb=0 if local == "orders" else 500,
            comment=comment,
            actor=house.admin,
            now=NOW,
        )
    run_all_jobs(at=NOW)
    mail.open_mailbox(
        row.mail_domains.get(),
        local="jobs",
        password=PASSWORD,
        quota_mb=100,
        comment="",
        actor=house.admin,
        now=NOW,
    )


def _let_fail(account: Account) -> None:
    """One job refused with advice, one given up, one cancelled."""
    node, at = TroubledNode(), NOW
    Job.everything.filter(account_id=account.pk).update(max_attempts=3)
    for _ in range(6):
        while envelope := queue.claim("test", at):
            run_claimed(envelope, node, lambda at=at: at)  # type: ignore[arg-type, misc]
        at += timedelta(minutes=30)


def _let_work(account: Account) -> None:
    """One job running with some of its log, the others queued."""
    envelope = queue.claim("local-1", NOW)
    assert envelope is not None
    for step, text in enumerate(("Reading what is there", "Writing the configuration"), 1):
        queue.note(JobEvent(envelope.job_id, envelope.fence, text, step=step, steps=4), NOW)
    last = Job.everything.filter(state=JobState.QUEUED, kind="dns_zone.apply").order_by("-pk").first()
    queue.cancel(last, actor=SYSTEM, now=NOW)


def fill(world: World, *, login: str, payment: str = "check", upto: str = "login") -> SignupRequest:
    """A signup filled in up to and including a step."""
    row = signup.start(world.house.plan, by_staff=False, address="192.0.2.7", now=NOW)
    moves = {
        "period": lambda: signup.choose_period(row, row.plan.periods.all()[0].pk),
        "domain": lambda: signup.choose_domain(row, "third_level", login),
        "contact": lambda: signup.give_contact(row, CONTACT | {"company": "Lindner Bakers"}),
        "payment": lambda: signup.choose_payment(row, payment),
        "login": lambda: signup.choose_login(row, login, make_password(PASSWORD)),
    }
    for step, move in moves.items():
        if upto:
            move()
        if step == upto:
            break
    return row


def send(row: SignupRequest) -> SignupRequest:
    total = signup.preview(row, NOW.date()).total_minor
    return signup.submit(row, shown_total=total, return_url="http://panel.test/back/", actor=VISITOR, now=NOW)


def _signups(world: World) -> None:
    for place, login in enumerate(("petra", "segelschule-wind", "ulf")):
        row = send(fill(world, login=login))
        row.submitted_at = NOW - timedelta(hours=5 * place + 1)
        row.save(update_fields=["submitted_at"])
    steps = ("", "period", "domain", "contact", "payment", "login")
    world.drafts = {step: fill(world, login=f"nora{place}", upto=step) for place, step in enumerate(steps)}


def add_second_factor(user: User) -> None:
    """An authenticator app for a login, so that signing in asks for its code."""
    from allauth.mfa.totp.internal.auth import TOTP

    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
