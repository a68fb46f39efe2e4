"""The small values that pages hand to the shared templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise


StepState = Literal["done", "current", "todo", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the way to this page; the last one, without address, is the page itself."""

    label: StrOrPromise
    url: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    label: StrOrPromise
    url: str
    current: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a definition list. `kind` says how the value is drawn."""

    label: StrOrPromise
    value: object
    kind: Literal["text", "code", "state", "when", "link"] = "text"
    url: str = ""
    help: StrOrPromise = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a wizard or a job."""

    label: StrOrPromise
    state: StepState
    url: str = ""
    note: StrOrPromise = ""


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something that happened. `kind` is a state key or an icon name; `url` opens the thing itself."""

    at: datetime
    text: StrOrPromise
    actor_label: StrOrPromise = ""
    kind: str = "note"
    url: str = ""


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    text: str
    level: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of an explanation: what it asks, what it saw, what it said."""

    text: StrOrPromise
    facts: StrOrPromise = ""
    outcome: Literal["passed", "stopped", "skipped"] = "passed"
    verdict: StrOrPromise = ""


@dataclass(frozen=True, slots=True)
class Total:
    """A figure on top of a report. `value` is already formatted text."""

    label: StrOrPromise
    value: object
    note: StrOrPromise = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart; `shown` is its value as text."""

    label: StrOrPromise
    value: float
    shown: StrOrPromise


@dataclass(frozen=True, slots=True)
class Danger:
    """A dangerous act at the end of an object's page; the address is that of its confirmation page."""

    label: StrOrPromise
    text: StrOrPromise
    url: str


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a dangerous act takes with it: 12, "mailboxes"."""

    count: int
    label: StrOrPromise


def steps_of(labels: Sequence[StrOrPromise], current: int, urls: Sequence[str] = ()) -> tuple[Step, ...]:
    """Wizard steps around the one being done; only steps already done link back."""
    return tuple(
        Step(
            label=label,
            state="done" if place < current else "current" if place == current else "todo",
            url=urls[place] if place < current and place < len(urls) else "",
        )
        for place, label in enumerate(labels)
    )
