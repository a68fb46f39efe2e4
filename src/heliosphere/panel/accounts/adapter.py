"""How allauth fits in: it signs people in; accounts are opened by the signup wizard only."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse

from heliosphere.panel.accounts import queries, services
from heliosphere.panel.accounts.models import User


class SignInAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> Any:
        """The peer's address: no header a stranger can set is believed."""
        return request.META.get("REMOTE_ADDR")

    def post_login(self, request: HttpRequest, user: User, **facts: Any) -> HttpResponse:
        """All factors are given: the audit trail has it."""
        self._note(request, user, is_refused=False)
        answer: HttpResponse = super().post_login(request, user, **facts)
        return answer

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A wrong password for somebody who exists is in that person's trail."""
        user = queries.user_called(str(credentials.get("username") or ""))
        if user is not None:
            self._note(request, user, is_refused=True)

    def _note(self, request: Any, user: User, *, is_refused: bool) -> None:
        address = self.get_client_ip(request) or ""
        services.note_sign_in(user, is_refused=is_refused, address=address, now=request.clock())
