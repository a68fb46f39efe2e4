"""What the checks of an SMTP session are told: client, policy, session so far, and looked-up facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from heliosphere.mta.rules.addresses import Address


@dataclass(frozen=True, slots=True)
class Client:
    """Who is connected. `submission` ports take mail only from users who sign in."""

    ip: str
    is_loopback: bool
    submission: bool = False


@dataclass(frozen=True, slots=True)
class SmtpPolicy:
    """The controls of one session, as plain values; 0 means no limit."""

    hostname: str
    greeting: str
    smtpauth: bool = False
    authsender: int = 0
    databytes: int = 0
    maxrecipients: int = 0
    userchk: bool = False
    uquotacheck: bool = False
    has_certificate: bool = False
    timeout: int = 1200


@dataclass(slots=True)
class Session:
    """The state that checks read; only the wire machine changes it."""

    client: Client
    policy: SmtpPolicy
    tls: bool = False
    helo: str = ""
    extended: bool = False
    login: str | None = None
    failed_sign_ins: int = 0
    sender: Address | None = None
    declared_size: int = 0
    recipients: list[Address] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """`same_domain_as_login`: do both belong to one mail domain, aliases counted as the real one?"""

    same_domain_as_login: bool = False


class Mailbox(Enum):
    """What stands behind a local address."""

    FOUND = "found"
    ABSENT = "absent"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """`is_full`: at or over its quota, or would be with the size the client declared."""

    is_accepted_domain: bool
    mailbox: Mailbox | None = None
    is_full: bool = False
