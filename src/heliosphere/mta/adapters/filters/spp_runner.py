"""Plugins as processes: started, fed with an environment, listened to, and ended in time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliosphere.mta.rules.plugins.spp import (
    FAILED,
    Decision,
    PluginLine,
    PluginOutcome,
    Section,
    fold,
    is_builtin_rblspp,
    parse_output,
)
from heliosphere.mta.services.ports import EventLog

TIME_LIMIT = 30.0
"""Seconds a plugin has."""
MAX_OUTPUT = 64 * 1024
MAX_COMPLAINT = 4 * 1024
"""Bytes of its standard error that go to the log."""
LINGER = 0.5
"""Seconds to read on when a plugin is gone and something it started keeps its output open."""
NOT_EXECUTABLE = 120
_SHELL_CANNOT = (126, 127)
"""/bin/sh could not run or find the command."""


@dataclass(frozen=True, slots=True)
class _Ran:
    exit: int
    output: bytes
    complaint: bytes


class _TooMuch(Exception):
    pass


class SppRunner:
    """Runs plugins of `smtpplugins`. `home` is where relative paths begin: the directory `qmail`.

    A plugin sees PATH and what it is given, nothing else of this process, and runs in a session of its
    own, which is killed when the time or the size is over and when the plugin has ended.
    """

    def __init__(
        self, home: Path, log: EventLog, *, time_limit: float = TIME_LIMIT, max_output: int = MAX_OUTPUT
    ) -> None:
        self._home, self._log = home, log
        self._time_limit, self._max_output = time_limit, max_output

    async def run_section(
        self, plugins: Iterable[PluginLine], environment: Mapping[str, str]
    ) -> PluginOutcome:
        """One after the other until one decides. What one sets is there for the next ones.

        The built-in rblspp is passed over: the session asks the block lists itself.
        """
        outcome = PluginOutcome()
        for plugin in plugins:
            if is_builtin_rblspp(plugin):
                continue
            given = changed(environment, outcome.environment)
            if outcome.address is not None:
                given[_ADDRESS[plugin.section]] = outcome.address
            outcome = outcome.with_(await self.run(plugin, given))
            if outcome.decision is not Decision.GO_ON:
                break
        return outcome

    async def run(self, plugin: PluginLine, environment: Mapping[str, str]) -> PluginOutcome:
        """What the plugin wants; FAILED (451) when it cannot be run, crashes, or takes too long.

        An exit code but 120 says nothing, as in qmail-spp. Raises nothing but CancelledError, and then the
        plugin is gone too.
        """
        try:
            ran = await self._run(plugin, environment)
        except _TooMuch:
            return self._failed(plugin, f"more than {self._max_output} bytes of output")
        except TimeoutError:
            return self._failed(plugin, f"not done within {self._time_limit:g} seconds")
        except (OSError, ValueError) as trouble:
            return self._failed(plugin, f"cannot be executed: {trouble}")
        if ran.complaint:
            self._log.event(
                "spp.complaint", plugin=str(plugin), text=ran.complaint.decode("utf-8", "replace").strip()
            )
        if ran.exit < 0:
            return self._failed(plugin, f"ended by signal {-ran.exit}")
        if ran.exit == NOT_EXECUTABLE or (plugin.shell and ran.exit in _SHELL_CANNOT):
            return self._failed(plugin, f"cannot be executed: exit {ran.exit}")
        return self._understood(plugin, ran.output)

    def _understood(self, plugin: PluginLine, output: bytes) -> PluginOutcome:
        actions, problems = parse_output(output, plugin.section)
        for one in problems:
            self._log.event("spp.bad_output", plugin=str(plugin), line=one.text, reason=one.reason)
        outcome = fold(actions)
        for text in outcome.notes:
            self._log.event("spp.note", plugin=str(plugin), text=text)
        return outcome

    def _failed(self, plugin: PluginLine, reason: str) -> PluginOutcome:
        self._log.event("spp.failed", plugin=str(plugin), section=plugin.section.value, reason=reason)
        return FAILED

    async def _run(self, plugin: PluginLine, environment: Mapping[str, str]) -> _Ran:
        argv = list(plugin.argv)
        argv[0] = str(self._home / argv[0])
        with (
            _Pipe(self._max_output, is_strict=True) as output,
            _Pipe(MAX_COMPLAINT, is_strict=False) as complaint,
        ):
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output.write_end,
                stderr=complaint.write_end,
                cwd=self._home,
                env={"PATH": os.environ.get("PATH", os.defpath), **environment},
                start_new_session=True,
            )
            try:
                async with asyncio.timeout(self._time_limit):
                    output.listen()
                    complaint.listen()
                    return await _listen(process, output, complaint)
            finally:
                await _end(process)


class _Pipe:
    """What a process writes, up to `limit` bytes; a strict one ends there, another reads on and drops.

    Ours rather than asyncio's: there, waiting for a process also waits for whoever holds its output.
    """

    def __init__(self, limit: int, *, is_strict: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit, self._is_strict = limit, is_strict
        self.data = bytearray()
        self.is_too_much = False
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def __enter__(self) -> _Pipe:
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        return self

    def __exit__(self, *trouble: object) -> None:
        self._close_write_end()
        self._loop.remove_reader(self._read_end)
        os.close(self._read_end)
        self.ended.cancel()

    def listen(self) -> None:
        """To be called when the process has its end."""
        self._close_write_end()
        self._loop.add_reader(self._read_end, self._read)

    def _close_write_end(self) -> None:
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def _read(self) -> None:
        found = os.read(self._read_end, 8192)
        room = self._limit - len(self.data)
        self.data += found[:room]
        self.is_too_much = self.is_too_much or len(found) > room
        if not found or (self.is_too_much and self._is_strict):
            self._loop.remove_reader(self._read_end)
            self.ended.set_result(None)

    def check(self) -> None:
        if self.is_too_much:
            raise _TooMuch


async def _listen(process: asyncio.subprocess.Process, output: _Pipe, complaint: _Pipe) -> _Ran:
    waiting = asyncio.ensure_future(process.wait())
    try:
        first: set[asyncio.Future[Any]] = {output.ended, waiting}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        output.check()
        exit_code = await waiting
        await asyncio.wait({output.ended, complaint.ended}, timeout=LINGER)
        output.check()
    finally:
        waiting.cancel()
    return _Ran(exit_code, bytes(output.data), bytes(complaint.data))


_ADDRESS = {Section.MAIL: "SMTPMAILFROM", Section.RCPT: "SMTPRCPTTO"}


def changed(environment: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """The environment with what plugins set and took out."""
    return {name: value for name, value in {**environment, **changes}.items() if value is not None}


async def _end(process: asyncio.subprocess.Process) -> None:
    """Nothing the plugin started stays; its process is reaped even when this task is being cancelled."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        await asyncio.shield(process.wait())
