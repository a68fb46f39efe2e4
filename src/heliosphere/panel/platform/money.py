"""Money is a whole number of minor units beside a currency; Decimal only inside rules. One rounding place."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from babel.numbers import get_currency_precision

# Far above any invoice and far inside a 64-bit column, so that sums cannot overflow.
MAX_MINOR = 10**15


class NotMoney(ValueError):
    """The text is not an amount in this currency; the message says why."""


def exponent(currency: str) -> int:
    """Digits after the point: 2 for EUR, 0 for JPY, 3 for KWD (ISO 4217)."""
    return int(get_currency_precision(currency))


def round_minor(exact: Decimal) -> int:
    """Minor units from an exact count of them: half up, away from zero. The only rounding there is."""
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def parse_amount(text: str, currency: str) -> int:
    """Minor units from what a person typed ("12.50"). Raises NotMoney; never rounds silently."""
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation as error:
        raise NotMoney("not-a-number") from error
    if not amount.is_finite():
        raise NotMoney("not-a-number")
    minor = amount.scaleb(exponent(currency))
    if abs(minor) > MAX_MINOR:
        raise NotMoney("too-large")
    if minor != minor.to_integral_value():
        raise NotMoney("too-precise")
    return int(minor)


def to_decimal(minor: int, currency: str) -> Decimal:
    """The amount in major units, exact."""
    return Decimal(minor).scaleb(-exponent(currency))


def plain_amount(minor: int, currency: str) -> str:
    """ "12.50": for form fields and machine-readable answers."""
    return f"{to_decimal(minor, currency):.{exponent(currency)}f}"
