"""How allauth fits in: it signs people in; accounts are opened by the signup wizard only."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class SignInAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> Any:
        """The peer's address: no header a stranger can set is believed."""
        return request.META.get("REMOTE_ADDR")
