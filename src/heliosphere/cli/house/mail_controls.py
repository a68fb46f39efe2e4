"""Mail server controls that the house itself needs, read from the mail tree before the engine starts."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar, cast

from heliosphere.cli.house.component import House
from heliosphere.contracts.controls.registry import Control, read_options, read_value

T = TypeVar("T")


def control_value(house: House, control: Control[T]) -> T:
    """Its own file, then the line in `options`, then the default, as for what is unreadable."""
    directory = house.places.mail / "qmail" / "control"
    text = _text(directory / control.name)
    if text is None:
        text = read_options(_text(directory / "options") or "").get(control.name)
    return control.default if text is None else cast(T, read_value(control, text)[0])


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError:
        return None
