"""May this recipient be part of the message? Signed-in users skip what only protects local mailboxes."""

from __future__ import annotations

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Mailbox, RecipientFacts, Session


def check_relay(session: Session, recipient: Address, facts: RecipientFacts) -> Reply | None:
    """Strangers may only reach the domains served here."""
    if facts.is_accepted_domain or session.login is not None:
        return None
    return replies.NO_RELAY


def check_mailbox_open(session: Session, recipient: Address, facts: RecipientFacts) -> Reply | None:
    """A mailbox with BOUNCE_MAIL takes nothing from anyone."""
    return replies.MAILBOX_CLOSED if facts.mailbox is Mailbox.CLOSED else None


def check_mailbox_exists(session: Session, recipient: Address, facts: RecipientFacts) -> Reply | None:
    """userchk. A signed-in user's mistake comes back as a bounce instead."""
    if not session.policy.userchk or session.login is not None:
        return None
    return replies.NO_SUCH_MAILBOX if facts.mailbox is Mailbox.ABSENT else None


def check_mailbox_room(session: Session, recipient: Address, facts: RecipientFacts) -> Reply | None:
    """uquotacheck: a mailbox at 100 % or more, or that the declared size would fill, is full."""
    if not session.policy.uquotacheck or session.login is not None:
        return None
    return replies.MAILBOX_FULL if facts.is_full else None


def check_recipient_count(session: Session, recipient: Address, facts: RecipientFacts) -> Reply | None:
    limit = session.policy.maxrecipients
    return replies.TOO_MANY_RECIPIENTS if limit and len(session.recipients) >= limit else None
