"""vpopmail's per-user flags, kept in the gid field of vpasswd, and what each service makes of them."""

from __future__ import annotations

from enum import IntFlag, StrEnum


class UserFlag(IntFlag):
    """Bits of the gid field, in vpopmail's order. A set bit takes something away from the user."""

    NO_PASSWD_CHNG = 0x1
    NO_POP = 0x2
    NO_WEBMAIL = 0x4
    NO_IMAP = 0x8
    BOUNCE_MAIL = 0x10
    NO_RELAY = 0x20
    NO_DIALUP = 0x40
    V_USER0 = 0x80
    V_USER1 = 0x100
    V_USER2 = 0x200
    V_USER3 = 0x400
    NO_SMTP = 0x800
    QA_ADMIN = 0x1000
    V_OVERRIDE = 0x2000
    NO_SPAMASSASSIN = 0x4000
    DELETE_SPAM = 0x8000
    SA_ADMIN = 0x10000
    SA_EXPERT = 0x20000
    NO_MAILDROP = 0x40000


NO_FLAGS = UserFlag(0)
SUSPENDED = (
    UserFlag.NO_PASSWD_CHNG
    | UserFlag.NO_POP
    | UserFlag.NO_WEBMAIL
    | UserFlag.NO_IMAP
    | UserFlag.BOUNCE_MAIL
    | UserFlag.NO_RELAY
)
"""What every user of a suspended domain loses, on top of what was already taken away."""


class Service(StrEnum):
    """A service that asks for a login."""

    SMTP = "smtp"
    POP3 = "pop3"
    IMAP = "imap"


_CLOSED_BY = {
    Service.SMTP: UserFlag.NO_SMTP | UserFlag.NO_RELAY,
    Service.POP3: UserFlag.NO_POP,
    Service.IMAP: UserFlag.NO_IMAP,
}


def why_not_service(flags: int, service: Service) -> str | None:
    """Name the first flag that closes `service` to a user with `flags`; None means it is open.

    NO_RELAY closes SMTP sign-in altogether: signing in has no other use than to relay.
    """
    closing = UserFlag(flags & _CLOSED_BY[service])
    for flag in closing:
        return flag.name
    return None
