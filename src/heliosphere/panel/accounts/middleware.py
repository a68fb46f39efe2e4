"""Puts `request.principal` on every request: who acts, and how far it sees."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from heliosphere.panel.accounts import queries
from heliosphere.panel.accounts.models import User
from heliosphere.panel.platform.principal import Principal

ACCOUNT_KEY = "account_id"


class ActingPrincipal:
    """Lazy: pages that need no principal cost no query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.principal = SimpleLazyObject(lambda: _principal(request))  # type: ignore[attr-defined]
        request.brand = SimpleLazyObject(lambda: _brand(request))  # type: ignore[attr-defined]
        return self._next(request)


def _brand(request: HttpRequest) -> str:
    """Whose name stands on the page: the viewer's provider, or the installation's owner for visitors."""
    try:
        return request.user.provider.name if isinstance(request.user, User) else queries.owner_name()
    except DatabaseError:
        return ""


def _principal(request: HttpRequest) -> Principal:
    address = request.META.get("REMOTE_ADDR", "")
    if not isinstance(request.user, User):
        return Principal("visitor", "visitor", address=address)
    return queries.principal_of(request.user, account_id=request.session.get(ACCOUNT_KEY), address=address)
