"""What the services need from the world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from heliosphere.mta.queue.states import Channel, Envelope, QueuedMessage
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.delivery.outcomes import Outcome
from heliosphere.mta.rules.scram import ScramKeys
from heliosphere.mta.rules.store.flags import Service
from heliosphere.mta.rules.store.quota import Quota
from heliosphere.mta.rules.store.routing import MailboxTarget, Resolution

Clock = Callable[[], datetime]


class EventLog(Protocol):
    """One line an event: a dotted name and fields. docs/mta/log-events.md lists them all."""

    def event(self, name: str, **fields: object) -> None: ...


class Directory(Protocol):
    """Who lives here. Lookups may raise TryLater or OSError."""

    def refresh(self) -> None:
        """See what changed on disk; lookups in between go by what was read last."""

    def accepts(self, domain: str) -> bool:
        """Is mail from strangers taken for this domain?"""

    def is_local(self, address: Address) -> bool: ...

    def resolve(self, address: Address) -> Resolution:
        """What a local address stands for."""

    def real_domain(self, domain: str) -> str | None: ...

    def is_full(self, target: MailboxTarget, adding: int) -> bool:
        """At 100 % or more, or no room for `adding` bytes."""


class SignInRefused(Exception):
    """The name, the password or a flag of the user stands against it; `reason` is for the log only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SignInDesk(Protocol):
    def sign_in(self, name: str, password: str, service: Service) -> str:
        """The user's full address. Raises SignInRefused; TryLater or OSError when it cannot be told.

        Slow on purpose (password hashes): call it off the event loop.
        """

    def sign_in_by_digest(self, name: str, challenge: bytes, digest: str, service: Service) -> str:
        """CRAM-MD5 and the like: HMAC-MD5 of the challenge under the clear password, in hex."""

    def scram_keys(self, name: str) -> ScramKeys:
        """Keys of the user's clear password, or made-up ones that look the same each time."""

    def sign_in_proven(self, address: str, service: Service) -> str:
        """The password was proven right; the flags still may say no."""


class Commit(Protocol):
    """Something written aside that becomes real in one go."""

    def run(self) -> Collection[str]:
        """Make it real; return the directories that must be synced before it counts as durable."""

    def undo(self) -> None:
        """Take back what `run` did, as far as possible; called after a failure only."""


class Committer(Protocol):
    async def commit(self, job: Commit) -> None:
        """Return when the job is durable. Raises OSError."""


class Mailboxes(Protocol):
    """Maildirs and their quota books."""

    def prepare(self, targets: Sequence[MailboxTarget], parts: Sequence[bytes]) -> Commit:
        """Write the message once, aside; committing it puts it into every target."""

    def reserve(self, maildir: MailboxTarget, stored: int, piped: int) -> bool: ...

    def release(self, maildir: MailboxTarget, stored: int) -> None: ...


class Spool(Protocol):
    """The queue on disk; see docs/mta/queue.md for the order of its steps."""

    def prepare(self, envelope: Envelope, parts: Sequence[bytes]) -> Commit: ...

    def inject(self, envelope: Envelope, parts: Sequence[bytes]) -> None:
        """Queue a message and return when it is durable."""

    def wake_sender(self) -> None: ...

    def waiting(self) -> list[int]: ...

    def sort(self, number: int, is_local: Callable[[str], bool]) -> QueuedMessage | None: ...

    def load_all(self) -> list[tuple[QueuedMessage, dict[Channel, int]]]: ...

    def read(self, number: int) -> bytes: ...

    def mark_done(self, number: int, channel: Channel, offset: int) -> None: ...

    def set_due(self, number: int, channel: Channel, due: int) -> None: ...

    def add_report(self, number: int, text: str) -> None: ...

    def reports(self, number: int) -> str: ...

    def drop_reports(self, number: int) -> None: ...

    def remove(self, number: int) -> None: ...


class Postman(Protocol):
    """Hands a message to the hosts of a remote domain."""

    async def deliver(
        self, sender: str, domain: str, recipients: Sequence[str], message: bytes
    ) -> list[Outcome]:
        """One outcome for each recipient, in order. Never raises for trouble out there."""


__all__ = [
    "Clock",
    "Commit",
    "Committer",
    "Directory",
    "EventLog",
    "Mailboxes",
    "Postman",
    "Quota",
    "SignInDesk",
    "SignInRefused",
    "Spool",
]
