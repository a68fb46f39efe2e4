"""Mail domains and mailboxes as the panel wants them and the vpopmail tree has them."""

from __future__ import annotations

from dataclasses import dataclass

from heliosphere.contracts.codec import contract


@contract("mail-domain")
@dataclass(frozen=True, slots=True)
class MailDomainSpec:
    """A local mail domain with its undeletable postmaster.

    `suspended` closes POP, IMAP, webmail, relaying and password changes of every mailbox and bounces
    new mail (vpopmail flags), and keeps all that is stored; turning it off gives back what was.
    """

    name: str
    postmaster_hash: str
    aliases: tuple[str, ...] = ()
    suspended: bool = False


@contract("mailbox")
@dataclass(frozen=True, slots=True)
class MailboxSpec:
    """One mailbox. `password_hash` is a crypt(3) string; `quota_bytes` 0 means no limit.

    `suspended` is the mail domain's state at the time of the job, so that a mailbox made while the
    account is closed starts closed.
    """

    address: str
    password_hash: str
    quota_bytes: int
    comment: str = ""
    enabled: bool = True
    suspended: bool = False
