"""What has to be done now and then, so that nobody needs a cron table for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from heliosphere.mta.services.ports import EventLog


@dataclass(frozen=True, slots=True)
class Chore:
    """`work` blocks and runs in a thread. `every` in seconds, the first time after that long."""

    name: str
    every: float
    work: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """`pause` is asyncio.sleep outside of tests."""

    chores: Sequence[Chore]
    log: EventLog
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> None:
        """Never ends. Trouble with one chore is logged and leaves the others alone."""
        await asyncio.gather(*(self._repeat(chore) for chore in self.chores))

    async def _repeat(self, chore: Chore) -> None:
        while True:
            await self.pause(chore.every)
            try:
                await asyncio.to_thread(chore.work)
            except Exception as trouble:
                self.log.event("chore.failed", chore=chore.name, reason=str(trouble))
