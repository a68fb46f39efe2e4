"""What a person chose for the look. The one place that knows where the choice is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from heliosphere.panel.look.skins import DEFAULT_SKIN, DEFAULT_THEME, SKINS, THEMES

SESSION_KEY = "look"
COOKIE = "look"
YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Preference:
    """Names from `skins.SKINS`, `skins.THEMES` and `settings.LANGUAGES`; always valid ones."""

    skin: str
    theme: str
    language: str


def provider_default() -> Preference:
    """What a visitor sees before choosing anything."""
    chosen = getattr(settings, "LOOK_DEFAULTS", {})
    return Preference(
        skin=_known(chosen.get("skin", ""), SKINS, DEFAULT_SKIN),
        theme=_known(chosen.get("theme", ""), THEMES, DEFAULT_THEME),
        language=translation.get_language() or settings.LANGUAGE_CODE,
    )


def read(request: HttpRequest) -> Preference:
    """The choice of this person: their own row, else this session, else this device, else the default."""
    default = provider_default()
    kept = _from_user(request) or _from_session(request) or _from_cookie(request)
    return replace(
        default,
        skin=_known(kept.get("skin", ""), SKINS, default.skin),
        theme=_known(kept.get("theme", ""), THEMES, default.theme),
    )


def write(request: HttpRequest, response: HttpResponse, chosen: Preference) -> None:
    """Keep the choice with the person who is signed in, for this session and, for a year, this device."""
    kept = {"skin": chosen.skin, "theme": chosen.theme}
    user = _user_with_preferences(request)
    if user is not None:
        user.preferences = {**user.preferences, SESSION_KEY: kept}
        user.save(update_fields=["preferences"])
    if hasattr(request, "session"):
        request.session[SESSION_KEY] = kept
    secure = request.is_secure()
    response.set_cookie(
        COOKIE,
        f"{chosen.skin}.{chosen.theme}",
        max_age=YEAR,
        samesite="Lax",
        secure=secure,
        httponly=True,
    )
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen.language,
        max_age=YEAR,
        samesite="Lax",
        secure=secure,
        path=settings.LANGUAGE_COOKIE_PATH,
    )


def _user_with_preferences(request: HttpRequest) -> Any:
    """The signed-in user when its model keeps `preferences`; the look does not know the model itself."""
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated and hasattr(user, "preferences") else None


def _from_user(request: HttpRequest) -> dict[str, str]:
    user = _user_with_preferences(request)
    return dict(user.preferences.get(SESSION_KEY, {})) if user is not None else {}


def _from_session(request: HttpRequest) -> dict[str, str]:
    session = getattr(request, "session", None)
    return dict(session.get(SESSION_KEY, {})) if session is not None else {}


def _from_cookie(request: HttpRequest) -> dict[str, str]:
    skin, _, theme = request.COOKIES.get(COOKIE, "").partition(".")
    return {"skin": skin, "theme": theme}


def _known(name: str, names: object, default: str) -> str:
    return name if isinstance(names, dict) and name in names else default
