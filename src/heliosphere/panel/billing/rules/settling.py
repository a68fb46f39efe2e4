"""Which invoices are paid: money settles the oldest first."""

from __future__ import annotations

from collections.abc import Sequence


def settled(totals: Sequence[int], received: int) -> list[bool]:
    """For invoice totals in order of issue and all money received: paid or not. Nothing is paid in part."""
    answer: list[bool] = []
    for total in totals:
        received -= max(total, 0)
        answer.append(received >= 0)
    return answer
