"""Receive mail: answer the SMTP machine's questions, and put accepted messages where they are safe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from heliosphere.mta.queue.states import Envelope
from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.errors import Refused, TryLater
from heliosphere.mta.rules.flags import Service
from heliosphere.mta.rules.headers import delivery_fields, received_field
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.routing import MailboxTarget, Standing
from heliosphere.mta.rules.session import Mailbox, RecipientFacts, SenderFacts
from heliosphere.mta.services.ports import (
    Clock,
    Committer,
    Directory,
    EventLog,
    Mailboxes,
    SignInDesk,
    SignInRefused,
    Spool,
)
from heliosphere.mta.wire.smtp_server import Accept, LookUpRecipient, LookUpSender, SignIn, SignInFailed

AFTER_WRONG_PASSWORD = 5.0
"""Seconds a client waits for its 535."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """The use cases behind one SMTP listener. `pause` is asyncio.sleep outside of tests."""

    directory: Directory
    desk: SignInDesk
    mailboxes: Mailboxes
    spool: Spool
    committer: Committer
    log: EventLog
    clock: Clock
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def sign_in(self, question: SignIn, ip: str) -> str | SignInFailed:
        try:
            login = await asyncio.to_thread(self.desk.sign_in, question.name, question.password, Service.SMTP)
        except SignInRefused as refusal:
            self.log.event("auth.refused", service="smtp", ip=ip, login=question.name, reason=refusal.reason)
            await self.pause(AFTER_WRONG_PASSWORD)
            return SignInFailed.WRONG
        except (TryLater, OSError) as trouble:
            self.log.event("auth.unavailable", service="smtp", login=question.name, reason=str(trouble))
            return SignInFailed.UNAVAILABLE
        self.log.event("auth.accepted", service="smtp", ip=ip, login=login)
        return login

    def sender_facts(self, question: LookUpSender) -> SenderFacts | Reply:
        mine = (question.login or "").rpartition("@")[2]
        theirs = question.sender.domain
        try:
            real = self.directory.real_domain(theirs) or theirs
            return SenderFacts((self.directory.real_domain(mine) or mine) == real)
        except (TryLater, OSError) as trouble:
            return self._look_up_later(str(question.sender), trouble)

    def recipient_facts(self, question: LookUpRecipient) -> RecipientFacts | Reply:
        recipient = question.recipient
        try:
            accepted = self.directory.accepts(recipient.domain)
            if not self.directory.is_local(recipient):
                return RecipientFacts(accepted)
            found = self.directory.resolve(recipient)
            full = found.standing is Standing.MAILBOX and any(
                self.directory.is_full(one, question.size) for one in found.mailboxes
            )
        except (TryLater, OSError) as trouble:
            return self._look_up_later(str(recipient), trouble)
        kind = {Standing.ABSENT: Mailbox.ABSENT, Standing.CLOSED: Mailbox.CLOSED}
        return RecipientFacts(accepted, kind.get(found.standing, Mailbox.FOUND), full)

    async def accept(self, question: Accept, token: str) -> Reply:
        """250 when the message is on disk, in the mailboxes or in the queue."""
        received = received_field(question.hop, self.clock())
        try:
            targets = self._plain_mailboxes(question.recipients)
            if targets is None:
                return await self._enqueue(question, received, token)
            return await self._deliver(question, targets, received, token)
        except Refused as refusal:
            return Reply(554, "5.1.3", str(refusal))
        except (TryLater, OSError) as trouble:
            self.log.event("smtp.store_failed", msg=token, reason=str(trouble))
            return replies.STORE_LATER

    def _plain_mailboxes(self, recipients: Sequence[Address]) -> list[MailboxTarget] | None:
        """The mailboxes, each once, when nothing but mailboxes is meant; else None."""
        targets: dict[str, MailboxTarget] = {}
        for recipient in recipients:
            if not self.directory.is_local(recipient):
                return None
            found = self.directory.resolve(recipient)
            if found.standing is not Standing.MAILBOX:
                return None
            for one in found.mailboxes:
                targets[one.maildir] = one
        return list(targets.values())

    async def _deliver(
        self, question: Accept, targets: list[MailboxTarget], received: bytes, token: str
    ) -> Reply:
        only = targets[0].address if len(targets) == 1 else None
        parts = (delivery_fields(str(question.sender), only), received, question.message)
        stored = sum(len(part) for part in parts)
        piped = len(received) + len(question.message)
        booked: list[MailboxTarget] = []
        try:
            for one in targets:
                if self.mailboxes.reserve(one, stored, piped):
                    booked.append(one)
            if not booked:
                return replies.MAILBOX_FULL
            if len(booked) == len(targets):
                await self.committer.commit(self.mailboxes.prepare(targets, parts))
                booked = []
                self._log_accepted(question, token, "delivered", stored)
                return self._ok(token)
        finally:
            for one in booked:
                self.mailboxes.release(one, stored)
        # Some have room and some have not: the queue serves each, and tells the sender of the full ones.
        return await self._enqueue(question, received, token)

    async def _enqueue(self, question: Accept, received: bytes, token: str) -> Reply:
        envelope = Envelope(str(question.sender), tuple(str(one) for one in question.recipients))
        parts = (received, question.message)
        await self.committer.commit(self.spool.prepare(envelope, parts))
        self.spool.wake_sender()
        self._log_accepted(question, token, "queued", sum(len(part) for part in parts))
        return self._ok(token)

    def _ok(self, token: str) -> Reply:
        return Reply(250, "2.0.0", f"ok {int(self.clock().timestamp())} msg {token}")

    def _log_accepted(self, question: Accept, token: str, how: str, size: int) -> None:
        self.log.event(
            "smtp.accepted", msg=token, how=how, bytes=size, sender=question.sender, ip=question.hop.ip,
            login=question.login or "", rcpt=",".join(str(one) for one in question.recipients),
        )  # fmt: skip

    def _look_up_later(self, about: str, trouble: Exception) -> Reply:
        self.log.event("store.unreadable", about=about, reason=str(trouble))
        return replies.LOOK_UP_LATER
