"""Opening the account a request asks for, and the staff's word about it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from heliosphere.panel.accounts import services as accounts
from heliosphere.panel.accounts.models import User
from heliosphere.panel.billing import cards
from heliosphere.panel.billing import services as billing
from heliosphere.panel.billing.models import CardState, PaymentMethod
from heliosphere.panel.domains.models import DomainKind
from heliosphere.panel.hosting import services as hosting
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.signup.models import RequestState, SignupRequest
from heliosphere.panel.signup.services.agreed import document_from_json, rebased


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
        document=rebased(document_from_json(row.agreed or {}), row, now.date()),
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
