"""How often one address may do something. Counts live in the cache; a lost count only forgives."""

from __future__ import annotations

from django.core.cache import cache
from django.utils.translation import gettext as _

from heliosphere.panel.platform.errors import Trouble


class TooOften(Trouble):
    """The same act again and again; nothing is wrong with it later."""

    status = 429


def spend(act: str, who: str, *, most: int, seconds: int) -> None:
    """Count one `act` of `who`. Raises TooOften above `most` within `seconds`."""
    key = f"limit:{act}:{who}"
    if cache.add(key, 1, seconds):
        return
    try:
        count = cache.incr(key)
    except ValueError:  # it ran out between the two calls
        cache.set(key, 1, seconds)
        return
    if count > most:
        raise TooOften(
            _("This was done too often from your address."),
            code="too-often",
            advice=_("Please wait a while and try again."),
        )
