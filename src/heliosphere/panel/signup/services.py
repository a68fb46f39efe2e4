"""The wizard's moves. Every one may be repeated: a double click opens one account and charges one card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.panel.accounts import services as accounts
from heliosphere.panel.accounts.models import User
from heliosphere.panel.billing import cards
from heliosphere.panel.billing import services as billing
from heliosphere.panel.billing.gateways.base import GATEWAYS
from heliosphere.panel.billing.models import CardState, PaymentMethod
from heliosphere.panel.billing.rules.charges import ChargeLine
from heliosphere.panel.billing.rules.taxes import Document, TaxLine
from heliosphere.panel.catalog import queries as catalog
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.catalog.rules import period_end
from heliosphere.panel.domains import services as domains
from heliosphere.panel.domains.models import DomainKind
from heliosphere.panel.hosting import charges, notices
from heliosphere.panel.hosting import services as hosting
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import NotYours, Refused, TryLater
from heliosphere.panel.platform.principal import Principal, system
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
        row.domain = _free_domain(row, DomainKind(kind), text)
        row.domain_kind = kind
    else:
        raise Refused(_("Choose one of the domain options."), code="domain-kind", field="kind")
    row.save(update_fields=["domain_kind", "domain"])


def _free_domain(row: SignupRequest, kind: DomainKind, text: str) -> str:
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
    _check_login_free(row, login)
    row.login, row.password_hash = login, password_hash
    row.save(update_fields=["login", "password_hash"])


def _check_login_free(row: SignupRequest, login: str) -> None:
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


def agreed_document(row: SignupRequest) -> Document:
    """The bill the visitor confirmed."""
    return _from_json(row.agreed or {})


def submit(
    row: SignupRequest, *, shown_total: int, return_url: str, actor: Principal, now: datetime
) -> SignupRequest:
    """Send the request off. Sent before: what it became then. Raises Refused on the step to mend.

    A card is authorised at the gateway's page first (the answer's card_payment has its address); a check
    waits for staff; nothing to pay opens the account at once.
    """
    row, is_new = _take(row, shown_total, now)
    if not is_new and row.state != RequestState.PAYING:
        return row
    if row.state == RequestState.PAYING:
        return _send_to_gateway(row, return_url, now)
    if row.total_minor == 0 or row.payment_type == "free":
        return _open_or_moderate(row, actor=actor, now=now)
    _tell_of_waiting(row, actor=actor, now=now)
    return row


@transaction.atomic
def _tell_of_waiting(row: SignupRequest, *, actor: Principal, now: datetime) -> None:
    facts = {"request_row": row}
    notices.tell(notices.WAITING, row.provider, to=row.contact["email"], facts=facts, actor=actor, now=now)
    notices.tell(
        notices.STAFF_WAITING, row.provider, to=row.provider.email, facts=facts, actor=actor, now=now
    )


@transaction.atomic
def _take(row: SignupRequest, shown_total: int, now: datetime) -> tuple[SignupRequest, bool]:
    row = (
        SignupRequest.everything.select_for_update(of=("self",))
        .select_related("plan__provider", "period")
        .get(pk=row.pk)
    )
    if row.state != RequestState.DRAFT:
        return row, False
    missing = queries.missing_step(row)
    if missing:
        raise Refused(_("One step is not filled in yet."), code="incomplete", field=missing)
    if not row.plan.signup_on:
        raise Refused(_("This plan has been closed for signup in the meantime."), code="plan-closed")
    _check_login_free(row, row.login)
    if row.domain:
        text = row.domain.removesuffix(f".{row.provider.service_zone}")
        kind = DomainKind(row.domain_kind)
        _free_domain(row, kind, text if kind == DomainKind.THIRD_LEVEL else row.domain)
    document = preview(row, now.date())
    if document.total_minor != shown_total:
        raise Refused(
            _("The prices have changed since this page was shown. Please look at the new sum."),
            code="price-changed",
            field="confirm",
        )
    row.agreed, row.total_minor, row.submitted_at = _as_json(document), document.total_minor, now
    pays_by_card = row.payment_type == "card" and document.total_minor > 0
    row.state = RequestState.PAYING if pays_by_card else RequestState.MODERATED
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Refused(
            _("This login or domain was taken a moment ago."), code="taken", field="login"
        ) from error
    return row, True


def _send_to_gateway(row: SignupRequest, return_url: str, now: datetime) -> SignupRequest:
    """Outside of a transaction. No answer from the gateway: back to the draft, nothing was charged."""
    if row.card_payment is not None and row.card_payment.page_url:
        return row
    gateway = next(iter(GATEWAYS)).name
    try:
        payment = cards.open_card_payment(
            provider_id=row.provider_id,
            gateway=gateway,
            amount_minor=row.total_minor,
            currency=row.currency,
            text=_("%(plan)s at %(provider)s") % {"plan": row.plan.name, "provider": row.provider.name},
            return_url=return_url,
            now=now,
        )
    except TryLater:
        SignupRequest.everything.filter(pk=row.pk, state=RequestState.PAYING).update(state=RequestState.DRAFT)
        raise
    row.card_payment = payment
    row.save(update_fields=["card_payment"])
    return row


def card_came_back(token: str, *, actor: Principal, now: datetime) -> SignupRequest:
    """The payer is back from the gateway (or a periodic job asks): act on what the gateway says."""
    row = (
        SignupRequest.everything.select_related("card_payment", "plan__provider", "period", "provider")
        .filter(card_payment__token=token)
        .first()
    )
    if row is None or row.card_payment is None:
        raise NotYours(_("This payment is not known."))
    if row.state != RequestState.PAYING:
        return row
    payment = cards.refresh_card_payment(row.card_payment)
    if payment.state == CardState.AUTHORISED:
        return _open_or_moderate(row, actor=actor, now=now)
    if payment.state == CardState.DECLINED:
        SignupRequest.everything.filter(pk=row.pk, state=RequestState.PAYING).update(
            state=RequestState.DRAFT, card_payment=None
        )
        raise Refused(
            _("The card was declined: %s") % (payment.message or _("no reason given")),
            code="card-declined",
            field="payment",
            advice=_("Nothing was charged. Try another card or another way to pay."),
            token=row.token,
        )
    return row


def _open_or_moderate(row: SignupRequest, *, actor: Principal, now: datetime) -> SignupRequest:
    """Open the account; when something is in the way, staff find the request in moderation."""
    try:
        return open_requested(row, actor=actor, now=now)
    except (Refused, TryLater) as error:
        SignupRequest.everything.filter(pk=row.pk, account__isnull=True).update(
            state=RequestState.MODERATED, reject_reason=str(error.message)[:300]
        )
        row.refresh_from_db()
        _tell_of_waiting(row, actor=actor, now=now)
        return row


@transaction.atomic
def open_requested(row: SignupRequest, *, actor: Principal, now: datetime) -> SignupRequest:
    """Open the account a request asks for. Done before: nothing more happens."""
    row = SignupRequest.everything.select_for_update(of=("self",)).get(pk=row.pk)
    if row.state == RequestState.DONE:
        return row
    if row.state not in (RequestState.PAYING, RequestState.MODERATED) or row.period is None:
        raise Refused(_("This request is not one that can be opened."), code="not-waiting")
    user = _user_for(row, actor=actor, now=now)
    account, group = hosting.open_account(
        user=user,
        plan=row.plan,
        period=row.period,
        contact=hosting.Contact(**row.contact),
        domain=row.domain or None,
        domain_kind=DomainKind(row.domain_kind) if row.domain else DomainKind.EXISTING,
        document=_rebased(_from_json(row.agreed or {}), row, now.date()),
        actor=actor,
        now=now,
    )
    if row.card_payment is not None and row.card_payment.state == CardState.AUTHORISED:
        cards.queue_capture(row.card_payment, account, actor=actor, now=now)
    row.state, row.account, row.job_group, row.reject_reason = RequestState.DONE, account, group, ""
    row.password_hash = ""
    row.save()
    audit.record(
        "signup.opened", row, actor=actor, now=now, after={"account": account.pk}, account_id=account.pk
    )
    return row


def _user_for(row: SignupRequest, *, actor: Principal, now: datetime) -> User:
    return accounts.create_user(
        login=row.login,
        password_hash=row.password_hash,
        email=row.contact["email"],
        provider=row.provider,
        actor=actor,
        now=now,
    )


def approve(
    row: SignupRequest, *, check_number: str, amount_minor: int | None, actor: Principal, now: datetime
) -> SignupRequest:
    """Staff let a request in. With a check number the payment is booked in the same breath."""
    row = SignupRequest.objects.one(actor, pk=row.pk)
    with transaction.atomic():
        row = open_requested(row, actor=actor, now=now)
        if check_number.strip() and row.account is not None:
            billing.record_payment(
                row.account,
                method=PaymentMethod.CHECK,
                amount_minor=row.total_minor if amount_minor is None else amount_minor,
                reference=check_number,
                actor=actor,
                now=now,
            )
    return row


@transaction.atomic
def reject(row: SignupRequest, *, reason: str, actor: Principal, now: datetime) -> None:
    """Staff turn a request down; an authorised card is released. The same again changes nothing."""
    row = SignupRequest.objects.locked(actor, pk=row.pk)
    if row.state == RequestState.REJECTED:
        return
    if row.state != RequestState.MODERATED:
        raise Refused(_("Only a waiting request can be rejected."), code="not-waiting")
    if not reason.strip():
        raise Refused(_("Say why; the reason is kept with the request."), code="no-reason", field="reason")
    if row.card_payment is not None and row.card_payment.state == CardState.AUTHORISED:
        cards.queue_void(row.card_payment, actor=actor, now=now)
    row.state, row.reject_reason, row.password_hash = RequestState.REJECTED, reason.strip()[:300], ""
    row.save()
    audit.record("signup.rejected", row, actor=actor, now=now, after={"reason": row.reject_reason})


#: How long a payer may stay at the gateway's page before the draft is given back.
PAYMENT_PAGE_LIFE = timedelta(hours=1)


def finish_unattended(now: datetime) -> int:
    """Periodic: payers who closed the browser at the gateway get their account, or their draft back."""
    actor, count = system("unfinished card signups"), 0
    waiting = SignupRequest.everything.filter(
        state=RequestState.PAYING, submitted_at__lte=now - timedelta(minutes=2)
    ).select_related("card_payment")
    for row in waiting[:200]:
        try:
            if row.card_payment is not None:
                row = card_came_back(row.card_payment.token, actor=actor, now=now)
        except (Refused, TryLater, NotYours):
            continue
        if (
            row.state == RequestState.PAYING
            and row.submitted_at
            and row.submitted_at <= now - PAYMENT_PAGE_LIFE
        ):
            SignupRequest.everything.filter(pk=row.pk, state=RequestState.PAYING).update(
                state=RequestState.DRAFT, card_payment=None
            )
        count += 1
    return count


#: How long an unfinished signup may be taken up again.
KEEP_DRAFTS = timedelta(days=14)


def forget_drafts(now: datetime) -> int:
    """Periodic: what visitors typed and never sent is deleted; it is personal data without a purpose."""
    old = SignupRequest.everything.filter(state=RequestState.DRAFT, created_at__lt=now - KEEP_DRAFTS)
    return old.delete()[0]


def _as_json(document: Document) -> dict[str, object]:
    lines = [asdict(line) | {"begin": str(line.begin), "end": str(line.end)} for line in document.lines]
    return {"lines": lines, "taxes": [asdict(tax) for tax in document.taxes]}


def _from_json(agreed: dict[str, list[dict[str, Any]]]) -> Document:
    lines = [_line_from_json(line) for line in agreed.get("lines", [])]
    return Document(tuple(lines), tuple(TaxLine(**tax) for tax in agreed.get("taxes", [])))


def _line_from_json(line: dict[str, Any]) -> ChargeLine:
    return ChargeLine(
        **(line | {"begin": date.fromisoformat(line["begin"]), "end": date.fromisoformat(line["end"])})
    )


def _rebased(document: Document, row: SignupRequest, today: date) -> Document:
    """The agreed amounts with the period beginning today: a period starts when the account opens."""
    assert row.period is not None
    end = period_end(today, catalog.period_terms(row.period))
    lines = tuple(
        replace(line, begin=today, end=end if line.kind == "recurrent" else today) for line in document.lines
    )
    return Document(lines, document.taxes)
