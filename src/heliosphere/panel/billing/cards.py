"""Card payments: open the gateway's page, learn what became of it, capture or release.

No transaction is open while the gateway is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from heliosphere.contracts.codec import contract
from heliosphere.panel.accounts.models import Account
from heliosphere.panel.billing import services
from heliosphere.panel.billing.gateways.base import GATEWAYS
from heliosphere.panel.billing.models import CardPayment, CardState, PaymentMethod
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.jobs.kinds import PANEL_NODE
from heliosphere.panel.platform.jobs.queue import queue_job
from heliosphere.panel.platform.principal import Principal, system
from heliosphere.panel.platform.secrets import new_token


@contract("card-payment-job")
@dataclass(frozen=True, slots=True)
class CardJob:
    """Capture or release an authorised payment."""

    card_payment_id: int


def open_card_payment(
    *,
    provider_id: int,
    gateway: str,
    amount_minor: int,
    currency: str,
    text: str,
    return_url: str,
    now: datetime,
) -> CardPayment:
    """A payment page at the gateway; the payer is sent to its `page_url`.

    `return_url` gets the payment's token appended. Raises TryLater when the gateway does not answer:
    nothing was charged, and the row left behind never can be.
    """
    payment = CardPayment.objects.create(
        provider_id=provider_id,
        gateway=gateway,
        token=new_token(),
        amount_minor=amount_minor,
        currency=currency,
        created_at=now,
    )
    page = GATEWAYS[gateway].open_page(
        key=payment.token,
        amount_minor=amount_minor,
        currency=currency,
        text=text,
        return_url=return_url + payment.token,
    )
    payment.session, payment.page_url = page.session, page.url
    payment.save(update_fields=["session", "page_url"])
    return payment


def refresh_card_payment(payment: CardPayment) -> CardPayment:
    """Ask the gateway, not the browser, what became of the page."""
    if payment.state != CardState.OPEN:
        return payment
    seen = GATEWAYS[payment.gateway].look(payment.session)
    if seen.state != "open":
        CardPayment.everything.filter(pk=payment.pk, state=CardState.OPEN).update(
            state=seen.state,
            gateway_payment=seen.payment,
            brand=seen.brand[:20],
            last4=seen.last4[-4:],
            message=seen.message[:200],
        )
        payment.refresh_from_db()
    return payment


def queue_capture(payment: CardPayment, account: Account, *, actor: Principal, now: datetime) -> None:
    """Inside the transaction that opens the account: charge what was authorised, by a job."""
    payment.account = account
    payment.save(update_fields=["account"])
    queue_job(
        "card.capture",
        CardJob(payment.pk),
        title=_("Charge the card"),
        node=PANEL_NODE,
        object_key=f"card:{payment.pk}",
        actor=actor,
        now=now,
        provider_id=payment.provider_id,
        account_id=account.pk,
    )


def queue_void(payment: CardPayment, *, actor: Principal, now: datetime) -> None:
    """Inside the transaction that rejects a signup: release the authorised amount, by a job."""
    queue_job(
        "card.void",
        CardJob(payment.pk),
        title=_("Release the card"),
        node=PANEL_NODE,
        object_key=f"card:{payment.pk}",
        actor=actor,
        now=now,
        provider_id=payment.provider_id,
    )


def capture(spec: CardJob, now: datetime) -> tuple[str, ...]:
    """Runs as a job. The gateway keeps the key, so a repeated try charges once; the ledger keeps it too."""
    payment = CardPayment.everything.select_related("account").get(pk=spec.card_payment_id)
    if payment.state == CardState.CAPTURED or payment.account is None:
        return ()
    gateway = GATEWAYS[payment.gateway]
    gateway.capture(
        payment.gateway_payment, key=f"capture:{payment.token}", amount_minor=payment.amount_minor
    )
    with transaction.atomic():
        CardPayment.everything.filter(pk=payment.pk).update(state=CardState.CAPTURED)
        services.record_payment(
            payment.account,
            method=PaymentMethod.CARD,
            amount_minor=payment.amount_minor,
            reference=payment.gateway_payment,
            actor=system("card payments"),
            now=now,
        )
    return (_("charged"),)


def void(spec: CardJob, now: datetime) -> tuple[str, ...]:
    """Runs as a job: give the authorised amount free again."""
    payment = CardPayment.everything.get(pk=spec.card_payment_id)
    if payment.state != CardState.AUTHORISED:
        return ()
    GATEWAYS[payment.gateway].void(payment.gateway_payment, key=f"void:{payment.token}")
    with transaction.atomic():
        CardPayment.everything.filter(pk=payment.pk).update(state=CardState.VOIDED)
        audit.record("card.released", payment, actor=system("card payments"), now=now)
    return (_("released"),)
