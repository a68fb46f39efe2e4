"""Sending a signup off: to staff, to the gateway, or straight to an account. A double click counts once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from heliosphere.panel.billing import cards
from heliosphere.panel.billing.gateways.base import GATEWAYS
from heliosphere.panel.billing.models import CardState
from heliosphere.panel.domains.models import DomainKind
from heliosphere.panel.hosting import notices
from heliosphere.panel.platform.errors import NotYours, Refused, TryLater
from heliosphere.panel.platform.principal import Principal, system
from heliosphere.panel.signup import queries
from heliosphere.panel.signup.models import RequestState, SignupRequest
from heliosphere.panel.signup.services.agreed import document_as_json
from heliosphere.panel.signup.services.drafts import check_login_free, free_domain, preview
from heliosphere.panel.signup.services.opening import open_requested


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
    check_login_free(row, row.login)
    if row.domain:
        text = row.domain.removesuffix(f".{row.provider.service_zone}")
        kind = DomainKind(row.domain_kind)
        free_domain(row, kind, text if kind == DomainKind.THIRD_LEVEL else row.domain)
    document = preview(row, now.date())
    if document.total_minor != shown_total:
        raise Refused(
            _("The prices have changed since this page was shown. Please look at the new sum."),
            code="price-changed",
            field="confirm",
        )
    row.agreed, row.total_minor, row.submitted_at = document_as_json(document), document.total_minor, now
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
