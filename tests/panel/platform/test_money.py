"""Money as people type it and as it is kept."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.panel.platform import money


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("12.50", "EUR", 1250),
        ("12,5", "EUR", 1250),
        (" 3 ", "EUR", 300),
        ("700", "JPY", 700),
        ("1.234", "KWD", 1234),
        ("-1", "EUR", -100),
    ],
)
def test_what_is_typed_is_kept_exactly(typed, currency, minor):
    assert money.parse_amount(typed, currency) == minor


@pytest.mark.parametrize(
    ("typed", "currency", "reason"),
    [
        ("twelve", "EUR", "not-a-number"), ("", "EUR", "not-a-number"), ("NaN", "EUR", "not-a-number"),
        ("Infinity", "EUR", "not-a-number"), ("1.005", "EUR", "too-precise"), ("0.5", "JPY", "too-precise"),
        ("1e30", "EUR", "too-large"),
    ],
)  # fmt: skip
def test_what_is_not_money_says_why(typed, currency, reason):
    with pytest.raises(money.NotMoney) as refused:
        money.parse_amount(typed, currency)
    assert str(refused.value) == reason


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD", "USD"]))
def test_shown_and_typed_again_is_the_same(minor, currency):
    assert money.parse_amount(money.plain_amount(minor, currency), currency) == minor


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_refused(text):
    try:
        minor = money.parse_amount(text, "EUR")
    except money.NotMoney:
        return
    assert abs(minor) <= money.MAX_MINOR


@pytest.mark.parametrize(
    ("exact", "rounded"), [("0.5", 1), ("-0.5", -1), ("1.4999", 1), ("2.5", 3), ("-2.5", -3)]
)
def test_halves_go_away_from_zero(exact, rounded):
    assert money.round_minor(Decimal(exact)) == rounded
