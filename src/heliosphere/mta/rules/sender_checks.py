"""May this sender begin a message?"""

from __future__ import annotations

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import SenderFacts, Session


def check_signed_in(session: Session, sender: Address, facts: SenderFacts) -> Reply | None:
    """A submission port takes nothing from strangers."""
    needs = session.client.submission and session.login is None
    return replies.SIGN_IN_FIRST if needs else None


def check_declared_size(session: Session, sender: Address, facts: SenderFacts) -> Reply | None:
    """SIZE= over databytes is refused before the message is sent; reaching it exactly is allowed."""
    limit = session.policy.databytes
    return replies.TOO_BIG if limit and session.declared_size > limit else None


def check_own_domain(session: Session, sender: Address, facts: SenderFacts) -> Reply | None:
    """authsender 1: the sender must be of the login's domain. The null sender passes: receipts use it."""
    if session.policy.authsender != 1 or session.login is None or sender.is_null:
        return None
    return None if facts.same_domain_as_login else replies.OTHER_DOMAIN_SENDER
