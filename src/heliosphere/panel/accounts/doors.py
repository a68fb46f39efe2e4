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


def staff_only(view: View) -> View:
    """Admin and reseller admin CP."""

    @wraps(view)
    def behind_the_door(request: PanelRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not request.principal.is_staff:
            raise Forbidden(_("This page is for the provider's staff."), code="staff-only")
        return view(request, *args, **kwargs)

    behind_the_door.door = "staff"  # type: ignore[attr-defined]
    return behind_the_door


def owner_only(view: View) -> View:
    """Pages about the installation itself: no reseller sees them."""

    @wraps(view)
    def behind_the_door(request: PanelRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if request.principal.role != "owner":
            raise Forbidden(_("This page is for the owner of the installation."), code="owner-only")
        return view(request, *args, **kwargs)

    behind_the_door.door = "owner"  # type: ignore[attr-defined]
    return behind_the_door


def signed_in(view: View) -> View:
    """Any person with a login; what they see is decided by the principal at every query."""

    @wraps(view)
    def behind_the_door(request: PanelRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    behind_the_door.door = "signed-in"  # type: ignore[attr-defined]
    return behind_the_door


def account_only(view: View) -> View:
    """User CP: sets `request.account`. A suspended account sees why, and its bills."""

    @wraps(view)
    def behind_the_door(request: PanelRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        account_id = request.principal.account_id
        if account_id is None:
            raise Forbidden(_("This page is for customers with an account."), code="account-only")
        request.account = (
            Account.objects.of(request.principal)
            .select_related("plan", "period", "user", "provider")
            .get(pk=account_id)
        )
        if request.account.is_suspended and not getattr(view, "open_when_suspended", False):
            return render(request, "accounts/suspended.html", {"account": request.account}, status=403)
        return view(request, *args, **kwargs)

    behind_the_door.door = "account"  # type: ignore[attr-defined]
    return behind_the_door


def open_when_suspended(view: View) -> View:
    """Marks a user page that stays open while the account is suspended: bills and payment."""
    view.open_when_suspended = True  # type: ignore[attr-defined]
    return view
