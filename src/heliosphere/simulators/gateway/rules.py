"""What the simulated bank says to a card. Pure. Only the numbers listed here are taken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """`message` is what the bank says; an approved card has none."""

    approved: bool
    brand: str
    last4: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class TestCard:
    number: str
    brand: str
    what: str
    message: str = ""


CARDS = (
    TestCard("4242424242424242", "visa", "approved"),
    TestCard("5555555555554444", "mastercard", "approved"),
    TestCard("4000000000000002", "visa", "declined: no reason", "the bank declined the card"),
    TestCard("4000000000009995", "visa", "declined: no money", "insufficient funds"),
    TestCard("4000000000000069", "visa", "declined: expired", "the card has expired"),
)


def judge_card(number: str) -> Verdict | None:
    """The bank's answer, or None for a number that is not one of ours: real cards are never taken."""
    digits = number.replace(" ", "").replace("-", "")
    for card in CARDS:
        if card.number == digits:
            return Verdict(not card.message, card.brand, digits[-4:], card.message)
    return None
