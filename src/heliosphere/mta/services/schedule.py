"""Run the queue: sort new messages, deliver what is due within the limits, bounce and forget the rest."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from heliosphere.mta.queue.states import Channel, QueuedMessage, QueuedRecipient
from heliosphere.mta.rules.addresses import parse_address
from heliosphere.mta.rules.delivery.bounces import BounceNames, report_paragraph
from heliosphere.mta.rules.delivery.outcomes import Outcome, Verdict, failed, give_up
from heliosphere.mta.rules.delivery.retry import LOCAL_STEP, REMOTE_STEP, is_expired, next_attempt
from heliosphere.mta.services.bounce import send_bounce
from heliosphere.mta.services.deliver_local import LocalDelivery
from heliosphere.mta.services.ports import Clock, Directory, EventLog, Postman, Spool

_STEP = {Channel.LOCAL: LOCAL_STEP, Channel.REMOTE: REMOTE_STEP}
_EVENT = {
    Verdict.SUCCESS: "delivery.success",
    Verdict.DEFERRAL: "delivery.deferred",
    Verdict.FAILURE: "delivery.failed",
}
GRACE = 2.0
"""Seconds that deliveries in hand get when the program is told to stop."""
AFTER_TROUBLE = 60
"""Seconds until the queue's own disk is tried again."""
LONGEST_NAP = 30.0
"""Seconds after which the queue is looked at even if nothing woke us."""


@dataclass(frozen=True, slots=True)
class SendSettings:
    """Controls of the queue, as they stand now."""

    concurrency: dict[Channel, int]
    queuelifetime: int
    names: BounceNames


class Slots:
    """At most `limit()` holders at once; the limit may change at any time, 0 pauses."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.used = 0

    async def __aenter__(self) -> None:
        while self.used >= self._limit():
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self.used += 1

    async def __aexit__(self, *trouble: object) -> None:
        self.used -= 1
        self.nudge()

    def nudge(self) -> None:
        """Let those who wait look at the limit again."""
        waiting, self._waiting = self._waiting, deque()
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def close(self) -> None:
        """Turn everybody who waits away (their task is cancelled)."""
        for turn in self._waiting:
            turn.cancel()


@dataclass(slots=True)
class _Held:
    """A message in memory with the channels that still have work."""

    message: QueuedMessage
    open_channels: set[Channel] = field(default_factory=set)


class QueueRunner:
    """One per queue. `settings()` is asked anew whenever a value matters."""

    def __init__(
        self, spool: Spool, directory: Directory, local: LocalDelivery, postman: Postman,
        log: EventLog, clock: Clock, settings: Callable[[], SendSettings],
    ) -> None:  # fmt: skip
        self._spool, self._directory, self._local, self._postman = spool, directory, local, postman
        self._log, self._clock, self._settings = log, clock, settings
        self._held: dict[int, _Held] = {}
        self._due: list[tuple[int, int, str]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._slots = {channel: Slots(partial(self._limit, channel)) for channel in Channel}

    def wake(self) -> None:
        """There may be new messages."""
        self._wake.set()

    def stop(self) -> None:
        """Start nothing more; run() returns when the deliveries in hand are done."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        for message, due in self._spool.load_all():
            self._hold(message, due)
        while not self._stopping:
            self._wake.clear()
            self._sort_new()
            self._start_due()
            for slots in self._slots.values():
                slots.nudge()
            try:
                await asyncio.wait_for(self._wake.wait(), self._nap())
            except TimeoutError:
                continue
        await self._end()

    async def _end(self) -> None:
        """Those who wait for a slot go at once; those at work get a little time."""
        for slots in self._slots.values():
            slots.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=GRACE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1)

    async def settle(self) -> None:
        """Wait until all that is due now was tried. For tests and `run once` tools."""
        while True:
            self._sort_new()
            self._start_due()
            if not self._tasks:
                return
            await asyncio.wait(self._tasks)

    def load(self) -> None:
        for message, due in self._spool.load_all():
            if message.number not in self._held:
                self._hold(message, due)

    # Taking in

    def _sort_new(self) -> None:
        for number in self._spool.waiting():
            if number in self._held:
                continue
            self._directory.refresh()
            message = self._spool.sort(number, self._is_local)
            if message is None:
                self._log.event("queue.damaged", msg=number)
                continue
            count = sum(len(found) for found in message.recipients.values())
            self._log.event("queue.new", msg=number, sender=message.sender, recipients=count)
            now = self._now()
            self._hold(message, dict.fromkeys(message.recipients, now))

    def _is_local(self, recipient: str) -> bool:
        address = parse_address(recipient)
        return address is None or self._directory.is_local(address)

    def _hold(self, message: QueuedMessage, due: dict[Channel, int]) -> None:
        held = _Held(message)
        self._held[message.number] = held
        for channel in Channel:
            if message.undone(channel):
                held.open_channels.add(channel)
                heapq.heappush(self._due, (due.get(channel, 0), message.number, channel.value))
        self._finish_if_done(held)

    # Delivering

    def _start_due(self) -> None:
        now = self._now()
        while self._due and self._due[0][0] <= now:
            _, number, channel = heapq.heappop(self._due)
            held = self._held.get(number)
            if held is not None:
                task = asyncio.create_task(self._work(held, Channel(channel)))
                self._tasks.add(task)
                task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()
        if not task.cancelled() and (trouble := task.exception()) is not None:
            self._log.event("queue.trouble", reason=f"{type(trouble).__name__}: {trouble}")

    async def _work(self, held: _Held, channel: Channel) -> None:
        """One try of one channel. Trouble with the queue's own disk is logged and means: try again.

        A cancelled try leaves the time on disk as it was, so that the next start tries at once.
        """
        message, started = held.message, self._now()
        try:
            await self._try(message, channel, started)
            if not message.undone(channel):
                held.open_channels.discard(channel)
                self._finish_if_done(held)
                return
            due = max(next_attempt(message.birth, started, _STEP[channel]), started + 1)
            self._spool.set_due(message.number, channel, due)
        except Exception as trouble:  # a bug must not lose the message: it is logged and tried again
            reason = f"{type(trouble).__name__}: {trouble}"
            self._log.event("queue.trouble", msg=message.number, reason=reason)
            due = started + AFTER_TROUBLE
        heapq.heappush(self._due, (due, message.number, channel.value))

    async def _try(self, message: QueuedMessage, channel: Channel, started: int) -> None:
        expired = is_expired(message.birth, started, self._settings().queuelifetime)
        if channel is Channel.LOCAL:
            for one in message.undone(channel):
                async with self._slots[channel]:
                    outcome = await asyncio.to_thread(self._local.deliver, message, one.address)
                self._record(message, channel, one, give_up(outcome) if expired else outcome)
            return
        groups = _by_domain(message.undone(channel))
        await asyncio.gather(
            *(self._remote(message, domain, group, expired) for domain, group in groups.items())
        )

    async def _remote(
        self, message: QueuedMessage, domain: str, group: list[QueuedRecipient], expired: bool
    ) -> None:
        async with self._slots[Channel.REMOTE]:
            if not domain:
                outcomes = [failed("This address has no domain. (#5.1.2)", "5.1.2")] * len(group)
            else:
                text = await asyncio.to_thread(self._spool.read, message.number)
                addresses = [one.address for one in group]
                outcomes = await self._postman.deliver(message.sender, domain, addresses, text)
        for one, outcome in zip(group, outcomes, strict=True):
            self._record(message, Channel.REMOTE, one, give_up(outcome) if expired else outcome)

    def _record(
        self, message: QueuedMessage, channel: Channel, one: QueuedRecipient, outcome: Outcome
    ) -> None:
        """The report first, then the mark: a crash between repeats a try, it forgets no failure."""
        self._log.event(
            _EVENT[outcome.verdict], msg=message.number, channel=channel.value, rcpt=one.address,
            host=outcome.host, code=outcome.code, text=outcome.text,
        )  # fmt: skip
        if outcome.verdict is Verdict.DEFERRAL:
            return
        if outcome.verdict is Verdict.FAILURE:
            self._spool.add_report(message.number, report_paragraph(one.address, outcome.text))
        self._spool.mark_done(message.number, channel, one.offset)
        one.is_done = True

    def _finish_if_done(self, held: _Held) -> None:
        if held.open_channels:
            return
        names = self._settings().names
        send_bounce(held.message, names, spool=self._spool, log=self._log, clock=self._clock)
        self._spool.remove(held.message.number)
        self._held.pop(held.message.number, None)
        self._log.event("queue.end", msg=held.message.number)

    # Time and limits

    def _limit(self, channel: Channel) -> int:
        return self._settings().concurrency[channel]

    def _nap(self) -> float:
        if not self._due:
            return LONGEST_NAP
        return max(0.05, min(LONGEST_NAP, self._due[0][0] - self._clock().timestamp()))

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _by_domain(recipients: list[QueuedRecipient]) -> dict[str, list[QueuedRecipient]]:
    groups: dict[str, list[QueuedRecipient]] = {}
    for one in recipients:
        groups.setdefault(one.address.rpartition("@")[2].lower() if "@" in one.address else "", []).append(
            one
        )
    return groups
