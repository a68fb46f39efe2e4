"""What spfbehavior makes of an SPF result."""

from __future__ import annotations

from typing import Literal

from heliosphere.mta.rules.origin.spf.values import SpfResult, SpfStatus

Verdict = Literal["accept", "defer", "refuse"]

DEFER_FROM = 2
REFUSED_FROM = {
    SpfStatus.FAIL: 3,
    SpfStatus.SOFTFAIL: 4,
    SpfStatus.NEUTRAL: 5,
    SpfStatus.NONE: 6,
    SpfStatus.PERMERROR: 6,
}
"""The lowest spfbehavior that refuses each result. Nothing refuses a pass."""


def verdict_of(behaviour: int, result: SpfResult) -> Verdict:
    """The table of the guide's spfbehavior, 0 to 6; larger numbers count as 6, smaller ones as 0.

    "defer" is 451 (#4.3.0) at MAIL, "refuse" is 550 (#5.7.1) at RCPT.
    """
    if result.status is SpfStatus.TEMPERROR:
        return "defer" if behaviour >= DEFER_FROM else "accept"
    least = REFUSED_FROM.get(result.status)
    return "refuse" if least is not None and behaviour >= least else "accept"
