"""Who calls: an API token. Scopes narrow what its user may do."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from heliosphere.panel.accounts import queries
from heliosphere.panel.platform.clock import system_clock
from heliosphere.panel.platform.errors import Forbidden
from heliosphere.panel.platform.principal import Principal


class TokenAuth(HttpBearer):
    """`Authorization: Bearer <token>`. Sets `request.principal`."""

    def authenticate(self, request: HttpRequest, token: str) -> Principal | None:
        clock = getattr(request, "clock", system_clock)
        principal = queries.principal_of_token(token, clock(), request.META.get("REMOTE_ADDR", ""))
        if principal is not None:
            request.principal = principal  # type: ignore[attr-defined]
        return principal


def acting(request: HttpRequest, scope: str, *, staff: bool = False, owner: bool = False) -> Principal:
    """The principal, if its token covers `scope` and its role fits. Raises Forbidden, saying why."""
    principal: Principal = request.principal  # type: ignore[attr-defined]
    if not principal.may(scope):
        raise Forbidden(f"This token lacks the scope “{scope}”.", code="scope")
    if owner and principal.role != "owner":
        raise Forbidden("Only staff of the installation's owner may do this.", code="owner-only")
    if staff and not principal.is_staff:
        raise Forbidden("Only the provider's staff may do this.", code="staff-only")
    return principal
