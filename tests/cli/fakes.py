"""Tiny stand-ins for components: a Python one-liner each."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.places import Places
from heliosphere.cli.house.supervisor import Supervisor

STAYS = "import signal; signal.pause()"


def house_at(path: Path, **words: Any) -> House:
    places = Places(path / "var")
    places.make()
    return House(places, **words)


def component(name: str, code: str = STAYS, **words: Any) -> Component:
    """Runs `code`; counts as up as soon as it has written DIR/<name>.up (if `code` never does: at once)."""
    words.setdefault("ready", lambda house: True)
    return Component(
        name=name,
        what_for=f"test {name}",
        argv=lambda house: [sys.executable, "-S", "-c", code, str(house.places.data)],
        grace=words.pop("grace", 3.0),
        **words,
    )


def noting(name: str, *, at_end: bool = True) -> str:
    """Code that notes its start and, on SIGTERM, its end in DIR/diary."""
    return f"""
import signal, sys
def note(word):
    with open(sys.argv[1] + "/diary", "a") as diary:
        diary.write(word + " {name}\\n")
def end(*_):
    note("end")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("start")
open(sys.argv[1] + "/{name}.up", "w").close()
while True:
    signal.pause()
"""


def is_up(name: str) -> Callable[[House], bool]:
    return lambda house: (house.places.data / f"{name}.up").exists()


def diary(house: House) -> list[str]:
    return (house.places.data / "diary").read_text().splitlines()


def wait_until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class Said(list[str]):
    def __call__(self, text: str) -> None:
        self.append(text)

    def has(self, *parts: str) -> bool:
        return any(all(part in line for part in parts) for line in self)


@contextmanager
def watching(supervisor: Supervisor) -> Iterator[None]:
    """Started, watched in a thread, stopped at the end."""
    try:
        supervisor.start()
        thread = threading.Thread(target=supervisor.watch)
        thread.start()
        try:
            yield
        finally:
            supervisor.ask_stop()
            thread.join(10)
    finally:
        supervisor.stop()


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield
