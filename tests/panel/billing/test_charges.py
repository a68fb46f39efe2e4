"""The worked examples of the product facts, and what must hold for any prices."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.panel.billing.rules.charges import ChargeLine, purchase_lines, signup_lines
from heliosphere.panel.billing.rules.settling import settled
from heliosphere.panel.billing.rules.taxes import TaxRule, document
from heliosphere.panel.catalog.rules import PeriodTerms, ResourceTerms, add_months, period_end

MONTH = PeriodTerms("month", 1)
DAY = date(2026, 4, 1)


def line(amount: int) -> ChargeLine:
    return ChargeLine("recurrent", "account", 1, amount, DAY, DAY)


def test_setup_is_charged_for_units_over_the_free_ones():
    terms = {"mailbox": ResourceTerms("mailbox", setup_minor=150, free_units=3)}
    lines = signup_lines(terms, {"mailbox": 5}, MONTH, DAY)
    assert [(found.kind, found.units, found.amount_minor) for found in lines] == [("setup", 2, 300)]


def test_a_purchase_with_ten_of_thirty_days_left_costs_a_third():
    terms = ResourceTerms("mailbox", recurrent_minor=300)
    (found,) = purchase_lines(
        terms,
        held=0,
        more=2,
        period=MONTH,
        period_begin=DAY,
        period_stop=date(2026, 5, 1),
        today=date(2026, 4, 21),
    )
    assert (found.amount_minor, found.begin, found.end) == (200, date(2026, 4, 21), date(2026, 5, 1))


def test_base_prices_cover_every_month_of_a_long_period_less_its_discount():
    terms = {"account": ResourceTerms("account", recurrent_minor=300, is_switch=True)}
    period = PeriodTerms("month", 3, recurrent_discount=1000)
    assert signup_lines(terms, {"account": 1}, period, DAY)[0].amount_minor == 810


@pytest.mark.guide("BILL-018")
def test_a_set_up_discount_of_a_hundred_per_cent_cancels_the_fee():
    terms = {"account": ResourceTerms("account", setup_minor=500, recurrent_minor=1000, is_switch=True)}
    lines = signup_lines(terms, {"account": 1}, PeriodTerms("year", 1, setup_discount=10000), DAY)
    assert [(line.kind, line.amount_minor) for line in lines] == [("recurrent", 12000)]


def test_two_taxes_are_computed_from_the_same_subtotal():
    bill = document([line(3645)], [TaxRule("A", 150000), TaxRule("B", 200000)], "US")
    assert (bill.tax_minor, bill.total_minor) == (547 + 729, 4921)


@pytest.mark.parametrize(
    ("inside", "country", "taxed"),
    [(True, "DE", True), (True, "FR", False), (False, "FR", True), (False, "DE", False)],
)
def test_a_tax_is_owed_inside_or_outside_of_its_country(inside, country, taxed):
    bill = document([line(1000)], [TaxRule("VAT", 190000, "DE", inside)], country)
    assert bill.tax_minor == (190 if taxed else 0)


def test_month_ends_are_counted_from_the_first_day_never_chained():
    start = date(2026, 1, 31)
    assert [add_months(start, n) for n in (1, 2, 13)] == [
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2027, 2, 28),
    ]


def test_money_settles_the_oldest_bills_first():
    assert settled([1000, 500, 700], 1500) == [True, True, False]
    assert settled([1000, 500], 999) == [False, False]


prices = st.integers(0, 10**9)
periods = st.one_of(
    st.builds(
        PeriodTerms, st.just("month"), st.integers(1, 36), st.integers(0, 10000), st.integers(0, 10000)
    ),
    st.builds(PeriodTerms, st.just("day"), st.integers(1, 400)),
)


@given(st.lists(prices, min_size=1, max_size=8), st.lists(st.integers(0, 1_000_000), max_size=3))
def test_a_document_always_adds_up(amounts, rates):
    bill = document([line(amount) for amount in amounts], [TaxRule("T", rate) for rate in rates], "DE")
    assert bill.total_minor == sum(amounts) + sum(tax.amount_minor for tax in bill.taxes)
    for tax in bill.taxes:
        assert abs(tax.amount_minor * 1_000_000 - bill.subtotal_minor * tax.rate_ppm) <= 500_000


@given(prices, prices, st.integers(0, 50), st.integers(0, 50), periods)
def test_signup_never_charges_free_units_and_never_goes_below_zero(setup, recurrent, free, units, period):
    terms = {"mailbox": ResourceTerms("mailbox", setup, recurrent, free_units=free)}
    lines = signup_lines(terms, {"mailbox": units}, period, DAY)
    assert all(found.amount_minor > 0 for found in lines)
    if units <= free:
        assert lines == []


@given(prices, st.integers(1, 20), periods, st.integers(0, 800))
def test_a_later_purchase_never_costs_more_than_an_earlier_one(price, units, period, later):
    stop = period_end(DAY, period)
    terms = ResourceTerms("mailbox", recurrent_minor=price)

    def cost(today: date) -> int:
        lines = purchase_lines(
            terms, held=0, more=units, period=period, period_begin=DAY, period_stop=stop, today=today
        )
        return sum(found.amount_minor for found in lines)

    whole = sum(
        found.amount_minor for found in signup_lines({"mailbox": terms}, {"mailbox": units}, period, DAY)
    )
    assert cost(DAY) == whole
    assert cost(DAY + timedelta(days=later)) <= whole
