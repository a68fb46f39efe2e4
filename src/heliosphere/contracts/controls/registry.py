"""The registry of mail server controls, and the reading of their values (rules G1 to G5).

A control is a file of its name below `qmail/control`, or a line of the file `options`. Everything that
deals with controls starts here: the engine's loader, showctl, the panel's form, the manual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast

T = TypeVar("T")
Kind = Literal["flag", "number", "text", "lines"]
Stage = Literal[
    "connect", "helo", "auth", "mail", "rcpt", "data", "content", "queue", "delivery", "bounce", "operation",
]  # fmt: skip

MAX_DIGITS = 18
LARGEST = 2**63 - 1


class Remark(str):
    """Something worth saying about an entry that is used all the same."""

    __slots__ = ()


LineCheck = Callable[[str], str | None]
"""What is wrong with one entry of a list, in words; None when it is good."""


@dataclass(frozen=True, slots=True)
class Control(Generic[T]):
    """One setting.

    `default` None in a text control means: the server's name (control `me`). `default_of` computes a
    default that hangs on other values. `line_check` judges one entry of a list or the text itself.
    `since` is the release of the guide's product that brought it, empty when it always was there or is ours.
    `caution` is what an operator must know before touching it. `needs_restart`: read at start only.
    """

    name: str
    kind: Kind
    default: T
    summary: str
    read_by: tuple[str, ...]
    stage: Stage = "operation"
    at_least: int | None = None
    at_most: int | None = None
    raises_to_least: bool = False
    """A number below `at_least` counts as that, not as the default."""
    in_panel: bool = True
    since: str = ""
    caution: str = ""
    example: str = ""
    needs_restart: bool = False
    secret: bool = False
    see: tuple[str, ...] = ()
    """Controls that have to do with this one."""
    empty_means: str = ""
    """What a text does that is set to nothing on purpose; empty where nothing is the same as not set."""
    is_partial: bool = False
    """A text with a mistake in it counts as far as it goes, instead of not at all."""
    line_check: LineCheck | None = None
    default_of: Callable[[Mapping[str, object]], T] | None = None


@dataclass(frozen=True, slots=True)
class BadValue:
    """A value that could not be used as it stands in `control`; what is in force instead.

    `line` counts from 1; 0 means the value as a whole. `why` says what is wrong. `is_remark`: the entry is
    used all the same.
    """

    control: str
    found: str
    used: str
    line: int = 0
    why: str = ""
    is_remark: bool = False


class Entry(str):
    """A line of a list; `line` is its number in the file, from 1."""

    __slots__ = ("line",)
    line: int

    def __new__(cls, text: str, line: int) -> Entry:
        entry = super().__new__(cls, text)
        entry.line = line
        return entry


class ControlRegistry:
    def __init__(self) -> None:
        self._by_name: dict[str, Control[Any]] = {}
        self.obsolete: dict[str, str] = {}
        """Names that are known and do nothing, with the reason."""

    def add(self, control: Control[T]) -> Control[T]:
        if control.name in self._by_name:
            raise ValueError(f"control {control.name!r} is declared twice")
        self._by_name[control.name] = control
        return control

    def flag(
        self, name: str, default: bool, summary: str, read_by: tuple[str, ...], **more: Any
    ) -> Control[bool]:
        return self.add(Control(name, "flag", default, summary, read_by, **more))

    def number(
        self, name: str, default: int, summary: str, read_by: tuple[str, ...], **more: Any
    ) -> Control[int]:
        return self.add(Control(name, "number", default, summary, read_by, **more))

    def text(
        self, name: str, default: str | None, summary: str, read_by: tuple[str, ...], **more: Any
    ) -> Control[str | None]:
        return self.add(Control(name, "text", default, summary, read_by, **more))

    def lines(
        self, name: str, summary: str, read_by: tuple[str, ...], **more: Any
    ) -> Control[tuple[Entry, ...] | None]:
        """A list; None when the file is absent, which is not the same as an empty list."""
        return self.add(Control(name, "lines", None, summary, read_by, **more))

    def get(self, name: str) -> Control[Any] | None:
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Control[Any]]:
        return iter(sorted(self._by_name.values(), key=lambda control: control.name))


REGISTRY = ControlRegistry()


class Snapshot:
    """The values in force at one moment; a session keeps the one it began with.

    `bad` holds what could not be used as it stands.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        given: frozenset[str] = frozenset(),
        bad: tuple[BadValue, ...] = (),
    ) -> None:
        self.values = values
        self.given = given
        self.bad = bad

    def __getitem__(self, control: Control[T]) -> T:
        if control.name in self.values:
            return cast(T, self.values[control.name])
        if control.default_of is not None:
            return control.default_of(self.values)
        return control.default

    def is_default(self, control: Control[Any]) -> bool:
        return control.name not in self.given


def read_value(control: Control[Any], text: str) -> tuple[object, tuple[BadValue, ...]]:
    """The value of a whole control file, and everything that is wrong with it."""
    if control.kind == "lines":
        entries = read_entries(text)
        return entries, tuple(_bad_entries(control, entries))
    first = text.partition("\n")[0]
    value, bad = read_scalar(control, first)
    if bad is None and control.line_check is not None and isinstance(value, str) and value:
        why = control.line_check(value)
        if why is not None:
            used = value if control.is_partial else control.default
            return used, (BadValue(control.name, value, str(used or ""), 1, why),)
    return value, () if bad is None else (bad,)


def _bad_entries(control: Control[Any], entries: tuple[Entry, ...]) -> Iterator[BadValue]:
    if control.line_check is None:
        return
    for entry in entries:
        why = control.line_check(entry)
        if why is not None:
            is_remark = isinstance(why, Remark)
            yield BadValue(control.name, entry, entry if is_remark else "", entry.line, why, is_remark)


def read_scalar(control: Control[Any], first_line: str) -> tuple[object, BadValue | None]:
    """The value of a flag, number or text, and what was wrong with it (rules G2 to G4).

    A flag or number that cannot be read counts as if the file were not there.
    """
    text = first_line.rstrip(" \t\r")
    if control.kind == "text":
        return text, None
    digits = _leading_digits(text)
    if not digits:
        why = "this is not a number" if text else "a number is missing"
        return control.default, BadValue(control.name, text, _shown(control.default), 1, why)
    number = LARGEST if len(digits) > MAX_DIGITS else int(digits)
    value: object = bool(number) if control.kind == "flag" else _bounded(control, number)
    used = _shown(value)
    if digits != text:
        return value, BadValue(control.name, text, used, 1, "only the digits at the start count")
    if control.kind == "number" and value != int(digits):
        return value, BadValue(control.name, text, used, 1, _out_of_bounds(control, number))
    return value, None


def _bounded(control: Control[Any], number: int) -> int:
    if control.at_most is not None:
        number = min(number, control.at_most)
    if control.at_least is not None and number < control.at_least:
        return control.at_least if control.raises_to_least else cast(int, control.default)
    return number


def _out_of_bounds(control: Control[Any], number: int) -> str:
    if control.at_most is not None and number > control.at_most:
        return f"the largest value is {control.at_most}"
    if control.at_least is not None and number < control.at_least:
        return f"the smallest value is {control.at_least}"
    return "the number is too long"


def _shown(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def read_options(text: str) -> dict[str, str]:
    """The file `options`: `name value` a line, one `=` or `:` allowed between; the last line wins."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("#") or not line.strip():
            continue
        name, value = _split_option(line.strip())
        found[name] = value
    return found


def set_option(text: str, name: str, value: str | None) -> str:
    """The file `options` with `name` set,
    or without it when `value` is None; other lines stay as they are."""
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    kept = [line for line in lines if _option_name(line) != name]
    if value is not None:
        kept.append(f"{name} {value}")
    return "".join(f"{line}\n" for line in kept)


def _option_name(line: str) -> str:
    return "" if line.startswith("#") or not line.strip() else _split_option(line.strip())[0]


def _split_option(line: str) -> tuple[str, str]:
    end = next((at for at, char in enumerate(line) if char in " \t=:"), len(line))
    value = line[end:].lstrip(" \t")
    if value[:1] in ("=", ":"):
        value = value[1:].lstrip(" \t")
    return line[:end], value


def read_entries(text: str) -> tuple[Entry, ...]:
    """Entries of a list: blanks at the end cut, empty lines and `#` lines left out (rule G5)."""
    cut = (Entry(line.rstrip(" \t\r"), number) for number, line in enumerate(text.split("\n"), 1))
    return tuple(entry for entry in cut if entry and not entry.startswith("#"))


def _leading_digits(text: str) -> str:
    end = 0
    while end < len(text) and text[end] in "0123456789":
        end += 1
    return text[:end]
