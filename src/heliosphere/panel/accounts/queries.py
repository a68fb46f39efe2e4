"""Reads about people and accounts."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from heliosphere.panel.accounts.models import Account, AccountKind, AccountState, ApiToken, Provider, User
from heliosphere.panel.platform.errors import NotYours
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.platform.secrets import fingerprint


def owner() -> Provider:
    """The provider that runs this installation."""
    return Provider.objects.get(parent__isnull=True)


def provider_of(actor: Principal) -> Provider:
    """The provider a signed-in principal acts for. Raises NotYours for a visitor."""
    if actor.provider_id is None:
        raise NotYours()
    return Provider.objects.get(pk=actor.provider_id)


def owner_name() -> str:
    """The name of the installation's owner; empty before there is one."""
    return Provider.objects.filter(parent__isnull=True).values_list("name", flat=True).first() or ""


def user_called(login: str) -> User | None:
    """The person with this login, without regard to case."""
    return User.objects.filter(login__iexact=login).first()


def login_taken(login: str) -> bool:
    """Logins are one namespace for the installation, without regard to case."""
    return User.objects.filter(login__iexact=login).exists()


def principal_of(user: User, *, account_id: int | None = None, address: str = "") -> Principal:
    """Who a signed-in user acts as: staff when it has an admin account, else one of its accounts."""
    accounts = list(Account.everything.filter(user=user).exclude(state=AccountState.DELETED).order_by("id"))
    if any(account.kind == AccountKind.ADMIN and not account.is_suspended for account in accounts):
        role = "owner" if user.provider.is_owner else "reseller"
        return Principal(role, user.login, user.provider_id, user.pk, address=address)  # type: ignore[arg-type]
    own = [account for account in accounts if account.kind == AccountKind.USER]
    chosen = next((account for account in own if account.pk == account_id), own[0] if own else None)
    return Principal(
        "customer", user.login, user.provider_id, user.pk, chosen.pk if chosen else None, address=address
    )


def principal_of_token(token: str, now: datetime, address: str = "") -> Principal | None:
    """Who an API token acts as, or None when it is unknown, expired, or its user is not active."""
    row = ApiToken.everything.select_related("user__provider").filter(fingerprint=fingerprint(token)).first()
    if row is None or not row.user.is_active or (row.expires_at and row.expires_at <= now):
        return None
    person = principal_of(row.user, address=address)
    return Principal(
        person.role,
        f"{person.label} ({row.name})",
        person.provider_id,
        person.user_id,
        person.account_id,
        frozenset(row.scopes),
        address,
    )


def api_tokens(actor: Principal) -> QuerySet[ApiToken]:
    """The acting user's own tokens, oldest first."""
    return ApiToken.everything.filter(user_id=actor.user_id or 0).order_by("id")
