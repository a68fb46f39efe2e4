"""Context processor: what the frame around a page needs. A page itself uses little of it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import translation

from heliosphere.panel.look import preferences
from heliosphere.panel.look.skins import Skin, skin_called
from heliosphere.panel.platform import navigation
from heliosphere.panel.platform.navigation import Door, Entry, Group

HTMX_CONFIG = (
    '{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,'
    '"scrollBehavior":"auto","defaultSettleDelay":0}'
)


class Look:
    """Worked out when first asked for: an error page or a partial pays only for what it draws."""

    htmx_config = HTMX_CONFIG

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def brand(self) -> str:
        """The name on the page: the provider's own where the request says it, so a reseller's stays his."""
        return str(getattr(self._request, "brand", "") or "Heliosphere")

    @cached_property
    def preference(self) -> preferences.Preference:
        return preferences.read(self._request)

    @cached_property
    def skin(self) -> Skin:
        return skin_called(self.preference.skin)

    @cached_property
    def theme(self) -> str:
        """auto, light or dark: the value of data-bs-theme."""
        return self.preference.theme

    @cached_property
    def door(self) -> Door:
        return navigation.door_of(self._request)

    @cached_property
    def layout(self) -> str:
        """The public door has one simple frame whatever the skin; the others follow the skin."""
        return "look/layouts/public.html" if self.door is Door.PUBLIC else self.skin.layout

    @cached_property
    def crumbs_in_bar(self) -> bool:
        """The left menu's frame shows the way here in its top bar; the others leave it to the page."""
        return self.layout.endswith("/left.html")

    @cached_property
    def menu(self) -> tuple[Group, ...]:
        return navigation.menu(self.door, self._request)

    @cached_property
    def current(self) -> tuple[Group, Entry] | None:
        """The menu entry this page belongs to, with its section."""
        for group in self.menu:
            for entry in group.entries:
                if entry.current:
                    return group, entry
        return None

    @cached_property
    def home_url(self) -> str:
        return navigation.home_url(self.door)

    @cached_property
    def is_home(self) -> bool:
        return self._request.path == self.home_url

    @cached_property
    def direction(self) -> str:
        return "rtl" if translation.get_language_bidi() else "ltr"

    @cached_property
    def request_id(self) -> str:
        return str(getattr(self._request, "id", ""))

    @cached_property
    def now(self) -> datetime | None:
        """The request's own time, for "3 hours ago"; None where no clock was handed in."""
        clock = getattr(self._request, "clock", None)
        return clock() if clock else None

    @cached_property
    def signed_in(self) -> bool:
        user = getattr(self._request, "user", None)
        return bool(user and user.is_authenticated)

    @cached_property
    def viewer(self) -> str:
        """Who is signed in, as the corner of the page says it."""
        user = getattr(self._request, "user", None)
        return str(user) if user and user.is_authenticated else ""

    @cached_property
    def links(self) -> dict[str, str]:
        """Addresses of the viewer's own pages; one that this installation leaves out is empty."""
        names = {
            "preferences": "look:preferences",
            "security": "mfa_index",
            "password": "account_change_password",
            "sessions": "usersessions_list",
            "login": "account_login",
            "logout": "account_logout",
        }
        return {key: _reverse_or_empty(name) for key, name in names.items()}


def look(request: HttpRequest) -> dict[str, Any]:
    """The `look` of every template."""
    return {"look": getattr(request, "look", None) or Look(request)}


def _reverse_or_empty(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
