"""May this session sign in now?"""

from __future__ import annotations

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.findings import Finding
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


def offered_methods(session: Session) -> tuple[str, ...]:
    """Ways to sign in that this session may use; challenges need no private line, plain passwords do."""
    if not offers_auth(session):
        return ()
    if is_private(session):
        return session.policy.authmethods
    return tuple(one for one in session.policy.authmethods if one in CHALLENGES)


CHALLENGES = ("CRAM-MD5", "SCRAM-SHA-256")
"""Ways in which the password itself never crosses the line."""


def _refuse(reply: Reply, why: str) -> Finding:
    """A client's mistake, of which the log has no word."""
    return Finding(reply, why, "", "AUTH", "smtpauth")


def check_auth_offered(session: Session, nobody: Address) -> Finding | None:
    return None if offers_auth(session) else _refuse(replies.UNKNOWN, "sign-in is off here")


def check_not_signed_in(session: Session, nobody: Address) -> Finding | None:
    return _refuse(replies.AUTH_TWICE, "signed in already") if session.login is not None else None


def check_outside_transaction(session: Session, nobody: Address) -> Finding | None:
    return _refuse(replies.AUTH_IN_TRANSACTION, "a message has begun") if session.sender is not None else None


def check_method_allowed(session: Session, method: str) -> Finding | None:
    if method in offered_methods(session):
        return None
    if method in session.policy.authmethods:
        return Finding(replies.TLS_FIRST, "passwords need TLS", "missing", "TLS", "smtpauth")
    return _refuse(replies.AUTH_UNKNOWN_MECHANISM, f"{method} is not offered")
