"""Take a message: have it checked, then put it where it is safe, in mailboxes or in the queue."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from heliosphere.mta.queue.states import Envelope
from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.content.headers import envelope_to_field
from heliosphere.mta.rules.errors import Refused, TryLater
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.headers import delivery_fields
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.store.routing import MailboxTarget, Standing
from heliosphere.mta.services.check_message import Checked, ContentSettings, MessageChecker
from heliosphere.mta.services.ports import Clock, Commit, Committer, Directory, EventLog, Mailboxes, Spool
from heliosphere.mta.services.scan import Variant
from heliosphere.mta.wire.smtp_questions import Accept, Accepted


class CommitSet:
    """Several commits that become real together, or none of them."""

    def __init__(self, commits: Sequence[Commit]) -> None:
        self._commits = commits

    def run(self) -> Collection[str]:
        return {path for commit in self._commits for path in commit.run()}

    def undo(self) -> None:
        for commit in self._commits:
            commit.undo()


@dataclass(slots=True)
class _Plan:
    """Where one message goes: commits to make real, rooms booked in mailboxes, and who has no room."""

    commits: list[Commit] = field(default_factory=list)
    booked: list[tuple[MailboxTarget, int]] = field(default_factory=list)
    full: list[tuple[list[Address], bytes]] = field(default_factory=list)
    delivered: int = 0
    queued: int = 0


@dataclass(frozen=True, slots=True)
class Receiver:
    """The use case behind DATA."""

    directory: Directory
    mailboxes: Mailboxes
    spool: Spool
    committer: Committer
    checker: MessageChecker
    log: EventLog
    clock: Clock

    async def accept(self, question: Accept, settings: ContentSettings, token: str) -> Accepted:
        """250 when the message is on disk, in the mailboxes or in the queue."""
        try:
            checked = await self.checker.check(question, settings)
            if checked.finding is not None:
                return Accepted(checked.finding.reply or replies.STORE_LATER, checked.finding, checked.trace)
            reply = await self._store(question, checked, settings, token)
        except Refused as refusal:
            return _refused(Reply(554, "5.1.3", str(refusal)))
        except (TryLater, OSError) as trouble:
            self.log.event("smtp.store_failed", msg=token, reason=str(trouble))
            return _refused(replies.STORE_LATER)
        return Accepted(reply, _finding(reply), checked.trace)

    async def _store(
        self, question: Accept, checked: Checked, settings: ContentSettings, token: str
    ) -> Reply:
        plan, top = _Plan(), checked.fields
        try:
            self._plan_all(plan, question, checked, settings)
            if plan.full and not plan.commits and not checked.dropped:
                return replies.MAILBOX_FULL
            if plan.commits:
                job = plan.commits[0] if len(plan.commits) == 1 else CommitSet(plan.commits)
                await self.committer.commit(job)
            plan.booked = []
        finally:
            for target, size in plan.booked:
                self.mailboxes.release(target, size)
        if plan.queued:
            self.spool.wake_sender()
        self._log_accepted(question, token, plan, len(top) + len(checked.message))
        return Reply(250, "2.0.0", f"ok {int(self.clock().timestamp())} msg {token}")

    def _plan_all(
        self, plan: _Plan, question: Accept, checked: Checked, settings: ContentSettings
    ) -> None:
        """Write everything aside, or nothing. What is handed to the committer is its to undo."""
        try:
            for variant in checked.variants:
                self._plan(plan, question, variant, checked.fields, checked.message, settings)
            if plan.full and not plan.commits and not checked.dropped:
                return
            # Some have room and some have not: the queue tells the sender of the full ones.
            for addresses, message in plan.full:
                self._enqueue(plan, question, addresses, checked.fields, message)
        except BaseException:
            for commit in plan.commits:
                commit.undo()
            raise

    def _plan(
        self, plan: _Plan, question: Accept, variant: Variant, top: bytes, message: bytes,
        settings: ContentSettings,
    ) -> None:  # fmt: skip
        """Plain mailboxes at once, if all of them have room; everything else by way of the queue."""
        message = variant.message(message)
        direct, rest = self._sort(variant)
        piped = len(top) + len(message)
        for targets, fields in self._copies(question, direct, settings):
            stored = piped + len(fields)
            taken = [one for one in targets if self.mailboxes.reserve(one, stored, piped)]
            plan.booked += [(one, stored) for one in taken]
            if taken:
                plan.commits.append(self.mailboxes.prepare(taken, (fields, top, message)))
            plan.delivered += len(taken)
            full = {one.maildir for one in targets} - {one.maildir for one in taken}
            if full:
                plan.full.append(([address for address, target in direct if target.maildir in full], message))
        if rest:
            self._enqueue(plan, question, rest, top, message)

    def _enqueue(
        self, plan: _Plan, question: Accept, recipients: Sequence[Address], top: bytes, message: bytes
    ) -> None:
        envelope = Envelope(str(question.sender), tuple(str(one) for one in recipients))
        plan.commits.append(self.spool.prepare(envelope, (top, message)))
        plan.queued += len(recipients)

    def _sort(self, variant: Variant) -> tuple[list[tuple[Address, MailboxTarget]], list[Address]]:
        direct: list[tuple[Address, MailboxTarget]] = []
        rest: list[Address] = []
        for recipient in variant.recipients:
            found = self.directory.resolve(recipient) if self.directory.is_local(recipient) else None
            if found is None or found.standing is not Standing.MAILBOX:
                rest.append(recipient)
                continue
            direct += [(recipient, replace(one, folder=variant.folder)) for one in found.mailboxes]
        return direct, rest

    def _copies(
        self, question: Accept, direct: list[tuple[Address, MailboxTarget]], settings: ContentSettings
    ) -> list[tuple[list[MailboxTarget], bytes]]:
        """One file for all mailboxes; one for each where the recipient is noted in the message."""
        sender = str(question.sender)
        targets = {target.maildir: (address, target) for address, target in direct}
        if not targets:
            return []
        if settings.xenveloptoheader:
            return [
                ([target], delivery_fields(sender, target.address)
                 + envelope_to_field(address, xenveloptoheader=True))
                for address, target in targets.values()
            ]  # fmt: skip
        every = [target for _, target in targets.values()]
        return [(every, delivery_fields(sender, every[0].address if len(every) == 1 else None))]

    def _log_accepted(self, question: Accept, token: str, plan: _Plan, size: int) -> None:
        how = "queued" if plan.queued and not plan.delivered else "delivered" if plan.delivered else "removed"
        self.log.event(
            "smtp.accepted", msg=token, how=how, bytes=size, sender=question.sender, ip=question.hop.ip,
            login=question.login or "", rcpt=",".join(str(one) for one in question.recipients),
        )  # fmt: skip


def _refused(reply: Reply) -> Accepted:
    return Accepted(reply, _finding(reply))


def _finding(reply: Reply) -> Finding | None:
    return None if reply.code == 250 else Finding(reply, reply.text, "Not_Stored", "DATA")
