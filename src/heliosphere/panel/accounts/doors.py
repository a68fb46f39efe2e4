"""Which door a view stands behind. Every view outside the public door says one of these."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from heliosphere.panel.accounts.models import Account
from heliosphere.panel.platform.errors import Forbidden
from heliosphere.panel.platform.principal import Principal

View = Callable[..., HttpResponseBase]


class PanelRequest(HttpRequest):
    """What the middleware makes of a request; for type checkers."""

    principal: Principal
    id: str
    clock: Any
    account: Account
    htmx: Any
    brand: Any


def _door(
    name: str, check: Callable[[PanelRequest, View], HttpResponseBase | None]
) -> Callable[[View], View]:
    """A decorator: visitors sign in first; then `check` raises, answers in place of the view, or lets in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def behind_the_door(request: PanelRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            return check(request, view) or view(request, *args, **kwargs)

        behind_the_door.door = name  # type: ignore[attr-defined]
        return behind_the_door

    return decorate


def _is_staff(request: PanelRequest, view: View) -> None:
    if not request.principal.is_staff:
        raise Forbidden(_("This page is for the provider's staff."), code="staff-only")


def _is_owner(request: PanelRequest, view: View) -> None:
    if request.principal.role != "owner":
        raise Forbidden(_("This page is for the owner of the installation."), code="owner-only")


def _has_account(request: PanelRequest, view: View) -> HttpResponseBase | None:
    """Sets `request.account`. A suspended account sees why, and the pages marked for it."""
    account_id = request.principal.account_id
    if account_id is None:
        raise Forbidden(_("This page is for customers with an account."), code="account-only")
    rows = Account.objects.of(request.principal).select_related("plan", "period", "user", "provider")
    request.account = rows.get(pk=account_id)
    if request.account.is_suspended and not getattr(view, "open_when_suspended", False):
        return render(request, "accounts/suspended.html", {"account": request.account}, status=403)
    return None


#: Admin and reseller admin CP.
staff_only = _door("staff", _is_staff)
#: Pages about the installation itself: no reseller sees them.
owner_only = _door("owner", _is_owner)
#: Any person with a login; what they see is decided by the principal at every query.
signed_in = _door("signed-in", lambda request, view: None)
#: User CP.
account_only = _door("account", _has_account)


def open_when_suspended(view: View) -> View:
    """Marks a user page that stays open while the account is suspended: bills and payment."""
    view.open_when_suspended = True  # type: ignore[attr-defined]
    return view
