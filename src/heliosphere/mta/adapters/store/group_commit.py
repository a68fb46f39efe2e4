"""Make many messages durable together, off the event loop, with one batch in flight.

What arrives while a batch is being synced forms the next one; nobody waits for company.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from heliosphere.mta.adapters.files.atomic_files import sync_directory
from heliosphere.mta.services.ports import Commit

Fault = Callable[[str], None]
"""Called with the name of each step that was just finished; tests use it to die there."""


def no_fault(step: str) -> None:
    """What runs outside of tests."""


class GroupCommit:
    """Use from one event loop."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Commit, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def commit(self, job: Commit) -> None:
        """Return when the job is durable; OSError when it could not be made so."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, done))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        # The job goes on when the client hangs up: half a commit helps nobody.
        await asyncio.shield(done)

    async def idle(self) -> None:
        """Return when nothing is in flight."""
        while self._task is not None:
            await asyncio.sleep(0.01)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                results = await asyncio.to_thread(commit_batch, [job for job, _ in batch])
                for (_, done), trouble in zip(batch, results, strict=True):
                    if done.cancelled():
                        continue
                    if trouble is None:
                        done.set_result(None)
                    else:
                        done.set_exception(trouble)
        finally:
            self._task = None


def commit_batch(jobs: list[Commit]) -> list[OSError | None]:
    """Run each job, then sync each directory once. One result a job: None, or what went wrong."""
    results: list[OSError | None] = []
    needed: list[tuple[str, ...]] = []
    for job in jobs:
        try:
            needed.append(tuple(job.run()))
            results.append(None)
        except OSError as trouble:
            with contextlib.suppress(OSError):
                job.undo()
            needed.append(())
            results.append(trouble)
    broken = _sync({path for paths in needed for path in paths})
    for at, paths in enumerate(needed):
        for path in paths:
            results[at] = results[at] or broken.get(path)
    return results


def commit_now(job: Commit) -> None:
    """Make one job durable in the calling thread. Raises OSError."""
    trouble = commit_batch([job])[0]
    if trouble is not None:
        raise trouble


def _sync(paths: set[str]) -> dict[str, OSError]:
    broken: dict[str, OSError] = {}
    for path in paths:
        try:
            sync_directory(path)
        except OSError as trouble:
            broken[path] = trouble
    return broken
