"""What the SMTP server needs to be told, besides what its checks ask for (rules.checks.check)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.checks.check import Asked
from heliosphere.mta.rules.findings import Finding, TraceLine
from heliosphere.mta.rules.headers import Hop
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.scram import ScramKeys
from heliosphere.mta.rules.session import Session


@dataclass(frozen=True, slots=True)
class SignIn:
    """Answer with the user's address, or one of SignInFailed."""

    name: str
    password: str
    method: str = "PLAIN"


@dataclass(frozen=True, slots=True)
class SignInByDigest:
    """CRAM-MD5 (RFC 2195). Answer as for SignIn."""

    name: str
    challenge: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class FindKeys:
    """SCRAM (RFC 5802). Answer with ScramKeys, made-up ones for who does not exist, or SignInFailed."""

    name: str


@dataclass(frozen=True, slots=True)
class SignInByProof:
    """The client's proof was right or wrong. Answer as for SignIn."""

    name: str
    keys: ScramKeys
    is_right: bool


class SignInFailed(Enum):
    WRONG = auto()
    UNAVAILABLE = auto()
    BLOCKED = auto()
    """Too many failures of this address or account."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer with Accepted; its reply is 250 only when the message is safe on disk."""

    session: Session
    sender: Address
    recipients: tuple[Address, ...]
    message: bytes
    hop: Hop
    login: str | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a message: the answer, why if it was refused, and what the checks of DATA said."""

    reply: Reply
    finding: Finding | None = None
    trace: tuple[TraceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class StartTls:
    """Send the output, start TLS, then call tls_started()."""


Question = Asked | SignIn | SignInByDigest | FindKeys | SignInByProof | Accept | StartTls
