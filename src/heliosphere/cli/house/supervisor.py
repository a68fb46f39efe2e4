"""Starts the house in the order its components need each other, keeps it running, stops it in reverse."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType

from heliosphere.cli.house.child import Child
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.records import Records

POLL = 0.1
"""Seconds between two looks while components are starting."""

IDLE = 2.0
"""The longest sleep of the watch; a child's end wakes it at once where signals are listened for."""

Say = Callable[[str], None]


class StartFailed(Exception):
    """The house cannot be brought up; the text says which component and why."""


class StopAsked(Exception):
    """A stop signal came while the house was starting."""


def in_order(components: Iterable[Component]) -> list[Component]:
    """Each after all it needs; those whose needs are not among them do not wait for them."""
    left = list(components)
    names = {component.name for component in left}
    placed: list[Component] = []
    while left:
        done = {component.name for component in placed}
        ready = [c for c in left if (set(c.needs) & names) <= done]
        if not ready:
            raise ValueError(f"components need each other in a circle: {[c.name for c in left]}")
        placed += ready
        left = [c for c in left if c not in ready]
    return placed


class Supervisor:
    """Use: `start()`, then `watch()` until a stop signal, then `stop()`; `stop()` is safe at any point."""

    def __init__(
        self,
        house: House,
        components: Iterable[Component],
        say: Say,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._house = house
        self._say = say
        self._monotonic = monotonic
        self._children = [Child(component, house, monotonic) for component in in_order(components)]
        self._records = Records(house.places.run / "children.json")
        self._stop_asked = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def listen_for_signals(self) -> None:
        """SIGTERM, SIGINT and SIGHUP ask for a stop; SIGCHLD wakes the watch."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def ask_stop(self) -> None:
        """End `start` or `watch` soon; may be called from another thread."""
        self._stop_asked = True
        os.write(self._wake_write, b"x")

    def start(self) -> None:
        """Until every component answers. Raises StartFailed or StopAsked; what runs is left to `stop()`."""
        answering: set[str] = set()
        while len(answering) < len(self._children):
            if self._stop_asked:
                raise StopAsked
            for child in self._children:
                if child.name not in answering and self._may_start(child, answering):
                    self._move_on(child, answering)
            self._sleep(POLL)

    def watch(self) -> None:
        """Until a stop is asked; a child that ends by itself is said and started again, later each time."""
        while not self._stop_asked:
            self._sleep(self._until_next_restart())
            for child in self._children:
                self._look_after(child)

    def stop(self) -> None:
        """Last started, first stopped."""
        for child in reversed(self._children):
            if child.pid is not None:
                child.stop()
        self._records.clear()

    def _may_start(self, child: Child, answering: set[str]) -> bool:
        known = {other.name for other in self._children}
        return (set(child.component.needs) & known) <= answering

    def _move_on(self, child: Child, answering: set[str]) -> None:
        """One look at a component that does not answer yet."""
        component = child.component
        if child.pid is None:
            if component.once and component.skip(self._house):
                answering.add(child.name)
            elif self._monotonic() >= child.restart_at:
                self._launch(child)
            return
        code = child.exit_code()
        if component.once and code == 0:
            answering.add(child.name)
            self._say(f"{child.name}: done")
        elif code is not None and (component.once or child.failures >= 3):
            raise StartFailed(self._obituary(child, code))
        elif code is not None:
            pause = child.note_crash()
            self._say(f"{child.name} {_ending(code)} while starting, again in {pause:.1f} s")
        elif not component.once and component.ready(self._house):
            answering.add(child.name)
            self._say(f"{child.name}: answers ({component.what_for})")
        elif child.age() > component.patience:
            raise StartFailed(
                f"{child.name} does not answer after {component.patience:.0f} s."
                f" Its log {child.log_file} ends:\n{child.last_words()}"
            )

    def _launch(self, child: Child) -> None:
        try:
            child.start()
        except OSError as error:
            raise StartFailed(f"{child.name} cannot be started: {error}") from error
        self._records.keep([other.pid for other in self._children if other.pid is not None])

    def _look_after(self, child: Child) -> None:
        if child.component.once or self._stop_asked:
            return
        code = child.exit_code()
        if code is not None:
            pause = child.note_crash()
            self._say(
                f"{child.name} {_ending(code)}; starting it again in {pause:.1f} s (log: {child.log_file})"
            )
        elif child.pid is None and self._monotonic() >= child.restart_at:
            self._start_again(child)

    def _start_again(self, child: Child) -> None:
        try:
            child.start()
        except OSError as error:
            child.put_off()
            self._say(f"{child.name} cannot be started: {error}")
        else:
            self._say(f"{child.name}: started again")
            self._records.keep([other.pid for other in self._children if other.pid is not None])

    def _until_next_restart(self) -> float:
        waits = [
            child.restart_at - self._monotonic() for child in self._children if child.waits_for_restart()
        ]
        return max(0.0, min(waits, default=IDLE))

    def _sleep(self, seconds: float) -> None:
        """Until a signal comes, `seconds` at most."""
        if select.select([self._wake_read], [], [], seconds)[0]:
            os.read(self._wake_read, 1024)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop_asked = True

    def _obituary(self, child: Child, code: int) -> str:
        return f"{child.name} {_ending(code)}. Its log {child.log_file} ends:\n{child.last_words(12)}"


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by signal {signal.Signals(-code).name}"
    return f"ended by itself with exit code {code}"
