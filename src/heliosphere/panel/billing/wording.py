"""How money is said in words: the same on preview, page, PDF and e-mail."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from babel.dates import format_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES
from heliosphere.panel.look import shown


def line_text(kind: str, resource: str) -> str:
    """What a bill line is for."""
    names = {
        "setup": _("%s: set-up fee"),
        "recurrent": _("%s: recurrent fee"),
        "usage": _("%s: use above the limit"),
        "refund": _("%s: refund"),
    }
    declared = RESOURCE_TYPES.get(resource)
    return names.get(kind, "%s") % (declared.label if declared else resource)


def rate_text(rate_ppm: int) -> str:
    """190000 as "19 %": exact, a tax rate is never rounded."""
    text = f"{Decimal(rate_ppm) / 10_000:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def tax_text(description: str, rate_ppm: int) -> str:
    """A tax with its rate, said once: a description that names the rate already is left as it is."""
    rate = rate_text(rate_ppm)
    return description if rate.replace(" ", "") in description.replace(" ", "") else f"{description} {rate}"


def period_text(begin: date, end: date) -> str:
    """A half-open period as people count it: "1 Mar – 31 Mar 2026 (31 days)". A single moment is its day."""
    days = (end - begin).days
    if days <= 0:
        return str(format_date(begin, "d MMM y", locale=shown.locale()))
    last = end - timedelta(days=1)
    first = format_date(begin, "d MMM" if begin.year == last.year else "d MMM y", locale=shown.locale())
    text = ngettext("%(first)s – %(last)s (%(days)d day)", "%(first)s – %(last)s (%(days)d days)", days)
    return text % {"first": first, "last": format_date(last, "d MMM y", locale=shown.locale()), "days": days}
