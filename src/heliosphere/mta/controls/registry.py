"""Every control the engine obeys, declared once: loader, showctl, panel form and docs come from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast

T = TypeVar("T")
Kind = Literal["flag", "number", "text", "lines"]

MAX_DIGITS = 18
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Control(Generic[T]):
    """One setting. `default` None in a text control means: the server's name (control `me`)."""

    name: str
    kind: Kind
    default: T
    summary: str
    read_by: tuple[str, ...]
    at_least: int | None = None
    at_most: int | None = None
    in_panel: bool = True


@dataclass(frozen=True, slots=True)
class BadValue:
    """A value that could not be used as it stands in `control`; what is in force instead."""

    control: str
    found: str
    used: str


class ControlRegistry:
    def __init__(self) -> None:
        self._by_name: dict[str, Control[Any]] = {}

    def add(self, control: Control[T]) -> Control[T]:
        if control.name in self._by_name:
            raise ValueError(f"control {control.name!r} is declared twice")
        self._by_name[control.name] = control
        return control

    def flag(self, name: str, default: bool, summary: str, read_by: tuple[str, ...]) -> Control[bool]:
        return self.add(Control(name, "flag", default, summary, read_by))

    def number(
        self, name: str, default: int, summary: str, read_by: tuple[str, ...], *,
        at_least: int | None = None, at_most: int | None = None,
    ) -> Control[int]:  # fmt: skip
        return self.add(Control(name, "number", default, summary, read_by, at_least, at_most))

    def text(
        self, name: str, default: str | None, summary: str, read_by: tuple[str, ...], *, in_panel: bool = True
    ) -> Control[str | None]:
        return self.add(Control(name, "text", default, summary, read_by, in_panel=in_panel))

    def lines(
        self, name: str, summary: str, read_by: tuple[str, ...], *, in_panel: bool = True
    ) -> Control[tuple[str, ...] | None]:
        """A list; None when the file is absent, which is not the same as an empty list."""
        return self.add(Control(name, "lines", None, summary, read_by, in_panel=in_panel))

    def get(self, name: str) -> Control[Any] | None:
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Control[Any]]:
        return iter(sorted(self._by_name.values(), key=lambda control: control.name))


REGISTRY = ControlRegistry()


class Snapshot:
    """The values in force at one moment; a session keeps the one it began with."""

    def __init__(self, values: Mapping[str, object], given: frozenset[str] = frozenset()) -> None:
        self._values = values
        self.given = given

    def __getitem__(self, control: Control[T]) -> T:
        if control.name in self._values:
            return cast(T, self._values[control.name])
        return control.default

    def is_default(self, control: Control[Any]) -> bool:
        return control.name not in self.given


def read_scalar(control: Control[Any], first_line: str) -> tuple[object, BadValue | None]:
    """The value of a flag, number or text, and what was wrong with it (rules G2 to G4)."""
    text = first_line.rstrip(" \t\r")
    if control.kind == "text":
        return text, None
    digits = _leading_digits(text)
    if not digits:
        return control.default, BadValue(control.name, text, str(control.default))
    number = LARGEST if len(digits) > MAX_DIGITS else int(digits)
    if control.kind == "flag":
        return bool(number), None
    value = number
    if control.at_most is not None:
        value = min(value, control.at_most)
    if control.at_least is not None and value < control.at_least:
        value = control.default
    trouble = BadValue(control.name, text, str(value)) if digits != text or value != int(digits) else None
    return value, trouble


def read_options(text: str) -> dict[str, str]:
    """The file `options`: `name value` a line, one `=` or `:` allowed between; the last line wins."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("#") or not line.strip():
            continue
        name, value = _split_option(line.strip())
        found[name] = value
    return found


def _split_option(line: str) -> tuple[str, str]:
    end = next((at for at, char in enumerate(line) if char in " \t=:"), len(line))
    value = line[end:].lstrip(" \t")
    if value[:1] in ("=", ":"):
        value = value[1:].lstrip(" \t")
    return line[:end], value


def read_entries(text: str) -> tuple[str, ...]:
    """Entries of a list: blanks at the end cut, empty lines and `#` lines left out (rule G5)."""
    cut = (line.rstrip(" \t\r") for line in text.split("\n"))
    return tuple(line for line in cut if line and not line.startswith("#"))


def _leading_digits(text: str) -> str:
    end = 0
    while end < len(text) and text[end] in "0123456789":
        end += 1
    return text[:end]
