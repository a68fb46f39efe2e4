"""Chores: each in its own time, and trouble with one is not trouble with all."""

import asyncio

from heliosphere.mta.services.housekeeping import Chore, Housekeeping
from tests.mta.support import Events


async def test_chores_come_in_their_time_and_survive_trouble():
    done, clock, events = [], [], Events()
    finished = asyncio.Event()

    async def pause(seconds):
        clock.append(seconds)
        if len(clock) > 6:
            finished.set()
            await asyncio.Event().wait()

    def bad():
        raise OSError("disk is away")

    chores = [Chore("good", 60, lambda: done.append(1)), Chore("bad", 30, bad)]
    task = asyncio.create_task(Housekeeping(chores, events, pause).run())
    await asyncio.wait_for(finished.wait(), 10)
    task.cancel()
    assert done
    assert {60, 30} == set(clock)
    assert ("chore.failed", {"chore": "bad", "reason": "disk is away"}) in events.seen
