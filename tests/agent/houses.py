"""Real services for tests: a part of the house on free ports, started from the house's own configuration."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from heliosphere.cli.house import ports
from heliosphere.cli.house.child import Child
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.places import Places


def free_base(names: tuple[str, ...]) -> int:
    """A base port under which nobody uses the named ports."""
    chooser = random.SystemRandom()
    for _ in range(200):
        base = chooser.randrange(11000, ports.HIGHEST_BASE)
        if not ports.taken(base, names):
            return base
    raise AssertionError("no free ports on this machine")


def new_house(data: Path, *components: Component) -> House:
    places = Places(data)
    places.make()
    house = House(places, base_port=free_base(tuple(p for c in components for p in c.ports)))
    for name in ("pdns-api-key", "node-key", "amqp-password"):
        house.secret(name).write_text(f"test-{name}")
    return house


def wait_until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@contextmanager
def running(house: House, component: Component) -> Iterator[Child]:
    component.configure(house)
    child = Child(component, house)
    child.start()
    try:
        wait_until(lambda: not child.is_running() or component.ready(house), seconds=60)
        assert child.is_running(), child.last_words(30)
        yield child
    finally:
        child.stop()
