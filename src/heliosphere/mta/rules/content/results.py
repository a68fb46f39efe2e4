"""What the scanning services found, as values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clean:
    """No virus known to the scanner."""


@dataclass(frozen=True, slots=True)
class Infected:
    """`name` as the scanner calls it: visible ASCII."""

    name: str


@dataclass(frozen=True, slots=True)
class TooBig:
    """The scanner takes no message of this size; trying again would not help."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No verdict: away, too slow, or an answer nobody understands. `reason` is for log and operator.
    `broken`: the connection was, while it was in use."""

    reason: str
    broken: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class SpamScore:
    """`is_spam` is the scanner's own verdict by `threshold`; `rules` are the names of what hit."""

    score: float
    threshold: float
    is_spam: bool
    rules: tuple[str, ...] = ()


VirusResult = Clean | Infected | TooBig | Unavailable
SpamResult = SpamScore | Unavailable
