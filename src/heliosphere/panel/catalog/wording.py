"""How terms of plans are said in words."""

from __future__ import annotations

from django.utils.translation import ngettext


def period_words(unit: str, size: int) -> str:
    """ "1 month", "3 months": with the plural of the active language."""
    words = {
        "day": ngettext("%d day", "%d days", size),
        "week": ngettext("%d week", "%d weeks", size),
        "month": ngettext("%d month", "%d months", size),
        "year": ngettext("%d year", "%d years", size),
    }
    return words[unit] % size
