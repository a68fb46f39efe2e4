"""The draft of a signup: what a visitor types, step by step, and what it would cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.panel.accounts import services as accounts
from heliosphere.panel.billing.rules.taxes import Document
from heliosphere.panel.catalog import queries as catalog
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.domains import services as domains
from heliosphere.panel.domains.models import DomainKind
from heliosphere.panel.hosting import charges
from heliosphere.panel.hosting import services as hosting
from heliosphere.panel.platform.errors import NotYours, Refused
from heliosphere.panel.platform.secrets import new_token
from heliosphere.panel.signup import queries, rules
from heliosphere.panel.signup.models import RequestState, SignupRequest

CONTACT_TEXTS = {
    "required": gettext_lazy("This is needed."),
    "too-long": gettext_lazy("This is too long."),
    "email": gettext_lazy("This is not an e-mail address; it looks like name@example.com."),
    "country": gettext_lazy("Choose a country from the list."),
}


class ContactRefused(Refused):
    """Several fields at once; `problems` maps field to text."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(_("Some of the contact details need a change."), code="contact", field="contact")
        self.problems = problems


def blank(plan: Plan, *, by_staff: bool, address: str, now: datetime) -> SignupRequest:
    """A draft for an open plan that is not stored: looking at a plan leaves nothing behind."""
    if not catalog.plans_for_signup(plan.provider, by_staff=by_staff).filter(pk=plan.pk).exists():
        raise NotYours(_("This plan is not open for signup."))
    return SignupRequest(
        provider=plan.provider,
        token=new_token(),
        plan=plan,
        currency=plan.currency,
        address=address,
        by_staff=by_staff,
        created_at=now,
    )


def start(plan: Plan, *, by_staff: bool, address: str, now: datetime) -> SignupRequest:
    """A stored draft for an open plan."""
    row = blank(plan, by_staff=by_staff, address=address, now=now)
    row.save(force_insert=True)
    return row


def draft(token: str) -> SignupRequest:
    """The request a visitor holds the token of. Raises NotYours."""
    row = (
        SignupRequest.everything.select_related("plan__provider", "period", "provider", "card_payment")
        .filter(token=token)
        .first()
    )
    if row is None:
        raise NotYours(_("This signup is not known any more. Start again from the list of plans."))
    return row


def _must_be_draft(row: SignupRequest) -> None:
    if row.state != RequestState.DRAFT:
        raise Refused(_("This signup has been sent already."), code="already-sent")


def choose_period(row: SignupRequest, period_id: int) -> None:
    _must_be_draft(row)
    period = row.plan.periods.filter(pk=period_id).first()
    if period is None:
        raise Refused(_("Choose one of the billing periods."), code="period", field="period")
    row.period = period
    row.save(update_fields=["period"])


def choose_domain(row: SignupRequest, kind: str, text: str) -> None:
    """`kind` is third_level, existing, or none for no domain."""
    _must_be_draft(row)
    if kind == "none":
        row.domain_kind, row.domain = "none", ""
    elif kind in (DomainKind.THIRD_LEVEL, DomainKind.EXISTING):
        row.domain = free_domain(row, DomainKind(kind), text)
        row.domain_kind = kind
    else:
        raise Refused(_("Choose one of the domain options."), code="domain-kind", field="kind")
    row.save(update_fields=["domain_kind", "domain"])


def free_domain(row: SignupRequest, kind: DomainKind, text: str) -> str:
    name = domains.wanted_domain(kind, text, provider=row.provider)
    if queries.waiting().filter(domain=name).exclude(pk=row.pk).exists():
        raise Refused(_("Another signup has asked for this domain."), code="domain-waiting", field="domain")
    return name


def give_contact(row: SignupRequest, contact: Mapping[str, str]) -> None:
    """Raises ContactRefused with a text for every field that needs a change."""
    _must_be_draft(row)
    problems = rules.contact_problems(contact)
    if "country" not in problems and contact["country"].upper() not in queries.country_names():
        problems["country"] = "country"
    if problems:
        raise ContactRefused({name: str(CONTACT_TEXTS[code]) for name, code in problems.items()})
    known = hosting.Contact.__dataclass_fields__
    row.contact = {name: contact.get(name, "").strip() for name in known}
    row.contact["country"] = row.contact["country"].upper()
    row.save(update_fields=["contact"])


def choose_payment(row: SignupRequest, payment_type: str) -> None:
    _must_be_draft(row)
    if payment_type not in queries.payment_types(row.plan):
        raise Refused(_("Choose one of the ways to pay."), code="payment-type", field="payment_type")
    row.payment_type = payment_type
    row.save(update_fields=["payment_type"])


def choose_login(row: SignupRequest, login: str, password_hash: str) -> None:
    """The password came in clear and was checked by the form; only its hash arrives here."""
    _must_be_draft(row)
    login = login.strip().lower()
    check_login_free(row, login)
    row.login, row.password_hash = login, password_hash
    row.save(update_fields=["login", "password_hash"])


def check_login_free(row: SignupRequest, login: str) -> None:
    accounts.check_new_login(login)
    if queries.waiting().filter(login=login).exclude(pk=row.pk).exists():
        raise Refused(_("This login is taken."), code="login-taken", field="login")


def preview(row: SignupRequest, today: date) -> Document:
    """The charges as they stand; the same function makes the invoice."""
    if row.period is None:
        return Document((), ())
    return charges.signup_document(
        row.plan,
        row.period,
        with_domain=row.domain_kind != "none",
        country=row.contact.get("country", ""),
        today=today,
    )
