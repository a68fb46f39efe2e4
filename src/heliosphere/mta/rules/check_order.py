"""The checks of each verb in the order they are made; the first that objects decides."""

from __future__ import annotations

from heliosphere.mta.rules import auth_checks, recipient_checks, sender_checks
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import RecipientFacts, SenderFacts, Session

AUTH_CHECKS = (
    auth_checks.check_auth_offered,
    auth_checks.check_not_signed_in,
    auth_checks.check_outside_transaction,
    auth_checks.check_private,
)
MAIL_CHECKS = (
    sender_checks.check_signed_in,
    sender_checks.check_declared_size,
    sender_checks.check_own_domain,
)
RCPT_CHECKS = (
    recipient_checks.check_relay,
    recipient_checks.check_mailbox_open,
    recipient_checks.check_mailbox_exists,
    recipient_checks.check_mailbox_room,
    recipient_checks.check_recipient_count,
)


def judge_auth(session: Session) -> Reply | None:
    for check in AUTH_CHECKS:
        if (reply := check(session)) is not None:
            return reply
    return None


def judge_mail(session: Session, sender: Address, facts: SenderFacts) -> Reply | None:
    for check in MAIL_CHECKS:
        if (reply := check(session, sender, facts)) is not None:
            return reply
    return None


def judge_rcpt(session: Session, recipient: Address, facts: RecipientFacts) -> Reply | None:
    for check in RCPT_CHECKS:
        if (reply := check(session, recipient, facts)) is not None:
            return reply
    return None
