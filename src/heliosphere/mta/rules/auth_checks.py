"""May this session sign in now?"""

from __future__ import annotations

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Session

MAX_FAILURES = 3


def offers_auth(session: Session) -> bool:
    """Submission ports exist for signing in; elsewhere the control smtpauth decides."""
    return session.client.submission or session.policy.smtpauth


def is_private(session: Session) -> bool:
    """Can nobody listen to a password? With TLS, or when the line never leaves this machine.

    Loopback is let through so that web mail and local programs can submit without a certificate:
    whoever can read loopback traffic is root already.
    """
    return session.tls or session.client.is_loopback


def check_auth_offered(session: Session) -> Reply | None:
    return None if offers_auth(session) else replies.UNKNOWN


def check_not_signed_in(session: Session) -> Reply | None:
    return replies.AUTH_TWICE if session.login is not None else None


def check_outside_transaction(session: Session) -> Reply | None:
    return replies.AUTH_IN_TRANSACTION if session.sender is not None else None


def check_private(session: Session) -> Reply | None:
    return None if is_private(session) else replies.TLS_FIRST
