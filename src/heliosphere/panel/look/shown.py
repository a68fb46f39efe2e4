"""Values as people read them, in the active language. Pure text; the template tags add the markup."""

from __future__ import annotations

from datetime import datetime, timedelta

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from django.utils import timezone, translation

from heliosphere.panel.platform import money

NO_BREAK = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
BYTE_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def locale() -> Locale:
    """Babel's locale of the active language, English when Babel does not know it."""
    try:
        return Locale.parse(translation.to_locale(translation.get_language() or "en"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def amount(minor: int, currency: str) -> str:
    """ "EUR 1,234.50": the code first, a real minus, never broken over two lines."""
    digits = money.exponent(currency)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    number = format_decimal(abs(money.to_decimal(minor, currency)), format=pattern, locale=locale())
    return f"{currency}{NO_BREAK}{MINUS if minor < 0 else ''}{number}"


def number(value: float) -> str:
    """A plain number with the language's separators and at most one digit after the point."""
    return str(format_decimal(value, format="#,##0.#", locale=locale()))


def percent(share: float) -> str:
    """0.256 as "26%"."""
    return str(format_percent(share, format="#,##0%", locale=locale()))


def quantity(value: float, unit: str) -> str:
    """A number with its unit. The unit "bytes" is scaled by 1024 to the largest that keeps it above 1."""
    if unit == "bytes":
        step = 0
        while abs(value) >= 1024 and step < len(BYTE_UNITS) - 1:
            value, step = value / 1024, step + 1
        unit = BYTE_UNITS[step]
    return f"{number(value)}{NO_BREAK}{unit}" if unit else number(value)


def moment(at: datetime) -> str:
    """ "1 Mar 2026, 14:05 CET" in the viewer's zone, which is named."""
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    shown = format_datetime(local, "d MMM y, HH:mm", locale=locale())
    return f"{shown} {local.tzname()}" if local.tzinfo else str(shown)


def distance(at: datetime, now: datetime) -> str:
    """ "3 hours ago", "in 2 days"; "just now" is left to the caller below a minute."""
    return str(format_timedelta(at - now, add_direction=True, locale=locale()))


def is_just_now(at: datetime, now: datetime) -> bool:
    return abs(at - now) < timedelta(seconds=45)
