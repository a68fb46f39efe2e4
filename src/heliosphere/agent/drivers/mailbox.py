"""Mailboxes in the vpopmail tree."""

from __future__ import annotations

from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.base import DriverEntry, Work
from heliosphere.agent.host.mail_store import (
    SUSPENDED,
    UserFlag,
    VpopmailTree,
    VUser,
    open_store,
    our_trouble,
)
from heliosphere.agent.rules.mail_steps import FoundMailbox, mailbox_steps
from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.contracts.mailboxes import MailboxSpec


class MailboxDriver:
    kind = "mailbox"
    spec_type = MailboxSpec

    def __init__(self, store: VpopmailTree, hostname: str) -> None:
        self._store = store
        self._hostname = hostname

    def name_of(self, spec: MailboxSpec) -> str:
        return spec.address

    def inspect(self, name: str) -> MailboxSpec | None:
        user = self._store.find_user(name)
        if user is None:
            return None
        return MailboxSpec(
            user.address,
            user.password_hash,
            user.quota.bytes,
            user.comment,
            _is_enabled(user),
            self._store.is_suspended(user.domain),
        )

    def plan(self, wanted: MailboxSpec) -> Plan:
        user = self._store.find_user(wanted.address)
        if user is None:
            return mailbox_steps(None, wanted)
        found = FoundMailbox(user.password_hash, user.quota.bytes, user.comment, _is_enabled(user))
        return mailbox_steps(found, wanted)

    def apply(self, wanted: MailboxSpec, work: Work) -> tuple[str, ...]:
        """In a suspended domain the store keeps a mailbox closed whatever is set, until it is resumed."""
        with our_trouble():
            return work.run(self.plan(wanted), lambda step: self._act(wanted, step))

    def remove(self, name: str, work: Work) -> tuple[str, ...]:
        """With its mail. A domain that is gone took the mailbox along."""
        with our_trouble():
            if not self._store.has_domain(name.rpartition("@")[2]):
                return ()
            if self._store.find_user(name) is None:
                self._store.remove_user(name)
                return ()
            return work.run(
                (Step("remove", f"remove the mailbox {name} with its mail"),), lambda _: self._drop(name)
            )

    def recover(self) -> None:
        with our_trouble():
            self._store.ensure_layout(self._hostname)

    def _act(self, wanted: MailboxSpec, step: Step) -> None:
        if step.action == "create":
            self._store.add_user(
                wanted.address,
                wanted.password_hash,
                quota_bytes=wanted.quota_bytes,
                comment=wanted.comment,
                flags=UserFlag(0) if wanted.enabled else SUSPENDED,
            )
            return
        self._store.change_user(
            wanted.address,
            password_hash=wanted.password_hash if step.action == "password" else None,
            quota_bytes=wanted.quota_bytes if step.action == "quota" else None,
            comment=wanted.comment if step.action == "comment" else None,
            flags=self._flags(wanted) if step.action == "enabled" else None,
        )

    def _flags(self, wanted: MailboxSpec) -> UserFlag:
        """Flags an operator set for other reasons stay."""
        user = self._store.find_user(wanted.address)
        own = user.own_flags if user else UserFlag(0)
        return own & ~SUSPENDED if wanted.enabled else own | SUSPENDED

    def _drop(self, name: str) -> None:
        self._store.remove_user(name)


def _is_enabled(user: VUser) -> bool:
    return user.own_flags & SUSPENDED != SUSPENDED


def _build(config: AgentConfig) -> MailboxDriver:
    section = config.sections["mail"]
    return MailboxDriver(open_store(section), section["hostname"])


ENTRY = DriverEntry("mailbox", "mail", "Set up the mail engine on this node.", _build)
