"""Deliver a queued message to one local address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heliosphere.mta.queue.states import Envelope, QueuedMessage
from heliosphere.mta.rules.addresses import parse_address
from heliosphere.mta.rules.delivery.outcomes import DELIVERED, Outcome, deferred, failed
from heliosphere.mta.rules.errors import Refused, TryLater
from heliosphere.mta.rules.headers import delivery_fields
from heliosphere.mta.rules.store.routing import Resolution, Standing
from heliosphere.mta.services.ports import Commit, Directory, Mailboxes, Spool


@dataclass(frozen=True, slots=True)
class LocalDelivery:
    """Blocking; run it in a thread. `commit_now` makes a job durable in the calling thread."""

    directory: Directory
    mailboxes: Mailboxes
    spool: Spool
    commit_now: Callable[[Commit], None]

    def deliver(self, message: QueuedMessage, recipient: str) -> Outcome:
        """Never raises for trouble with the disk or the recipient: that is an outcome."""
        try:
            self.directory.refresh()
            return self._deliver(message, recipient)
        except Refused as refusal:
            return failed(str(refusal), "5.1.0")
        except (TryLater, OSError) as trouble:
            return deferred(f"Local delivery is not possible at the moment: {trouble}", "4.3.0")

    def _deliver(self, message: QueuedMessage, recipient: str) -> Outcome:
        address = parse_address(recipient)
        if address is None or address.is_null:
            return failed("This address is malformed.", "5.1.3")
        found = self.directory.resolve(address)
        match found.standing:
            case Standing.ABSENT:
                return failed("There is no such mailbox here. (#5.1.1)", "5.1.1")
            case Standing.CLOSED:
                return failed("This mailbox takes no mail. (#5.2.1)", "5.2.1")
            case Standing.DISCARDS:
                return DELIVERED
            case Standing.UNSUPPORTED:
                return deferred(f"The .qmail file of this address: {found.detail}", "4.3.5")
        return self._hand_out(message, str(address), found)

    def _hand_out(self, message: QueuedMessage, recipient: str, found: Resolution) -> Outcome:
        text = self.spool.read(message.number)
        if _was_here(text, recipient):
            return failed("This message is looping: it has been here before. (#5.4.6)", "5.4.6")
        parts = (delivery_fields(message.sender, recipient), text)
        stored = sum(len(part) for part in parts)
        for target in found.mailboxes:
            if not self.mailboxes.reserve(target, stored, len(text)):
                return failed("The mailbox is full. (#5.2.2)", "5.2.2")
            try:
                self.commit_now(self.mailboxes.prepare([target], parts))
            except OSError:
                self.mailboxes.release(target, stored)
                raise
        if found.forwards:
            mark = f"Delivered-To: {recipient}\n".encode("utf-8", "replace")
            envelope = Envelope(message.sender, tuple(str(one) for one in found.forwards))
            self.spool.inject(envelope, (mark, text))
        return DELIVERED


def _was_here(message: bytes, recipient: str) -> bool:
    end = message.find(b"\n\n")
    header = b"\n" + (message if end < 0 else message[: end + 1]).lower()
    return b"\ndelivered-to: " + recipient.lower().encode("utf-8", "replace") + b"\n" in header
