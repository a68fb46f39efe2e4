"""What became of one delivery: done, try again, given up (qmail's K, Z and D)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    SUCCESS = "K"
    DEFERRAL = "Z"
    FAILURE = "D"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`text` is for the sender; `host` and `code` for the log."""

    verdict: Verdict
    text: str = ""
    host: str = ""
    code: str = ""


DELIVERED = Outcome(Verdict.SUCCESS)


def deferred(text: str, code: str = "", host: str = "") -> Outcome:
    return Outcome(Verdict.DEFERRAL, text, host, code)


def failed(text: str, code: str = "", host: str = "") -> Outcome:
    return Outcome(Verdict.FAILURE, text, host, code)


def give_up(outcome: Outcome) -> Outcome:
    """A temporary failure of the last try."""
    if outcome.verdict is not Verdict.DEFERRAL:
        return outcome
    text = f"{outcome.text}\nThis message was in the queue too long and is not tried again."
    return Outcome(Verdict.FAILURE, text, outcome.host, outcome.code)
