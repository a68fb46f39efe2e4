"""Writes about people and accounts."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from heliosphere.panel.accounts import queries, rules
from heliosphere.panel.accounts.models import Account, AccountKind, ApiToken, Provider, User
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.platform.secrets import fingerprint, new_token


def check_new_login(login: str) -> None:
    """Raises Refused on field "login" when a new user may not be called this."""
    reason = rules.why_not_login(login)
    if reason == "syntax":
        text = _("A login has 3 to 32 characters: small letters, digits, dot, dash; a letter comes first.")
        raise Refused(text, code="login-syntax", field="login")
    if reason == "reserved":
        raise Refused(_("This login is kept for the system."), code="login-reserved", field="login")
    if queries.login_taken(login):
        raise Refused(
            _("This login is taken."),
            code="login-taken",
            field="login",
            advice=_("Choose another one, or sign in first if it is yours."),
        )


@transaction.atomic
def create_user(
    *, login: str, password_hash: str, email: str, provider: Provider, actor: Principal, now: datetime
) -> User:
    """A new person. The caller hashed the password, so that clear text is never kept between requests."""
    check_new_login(login)
    user = User(login=login, email=email, provider=provider, created_at=now)
    user.password = password_hash
    user.save(force_insert=True)
    audit.record("user.created", user, actor=actor, now=now, after={"login": login, "email": email})
    return user


@transaction.atomic
def create_staff(
    *, login: str, password_hash: str, email: str, provider: Provider, actor: Principal, now: datetime
) -> Account:
    """A user with an administrator account of `provider`."""
    user = create_user(
        login=login, password_hash=password_hash, email=email, provider=provider, actor=actor, now=now
    )
    account = Account.objects.create(
        provider=provider, user=user, kind=AccountKind.ADMIN, currency=provider.currency, created_at=now
    )
    audit.record("account.opened", account, actor=actor, now=now, after={"kind": "admin"})
    return account


@transaction.atomic
def issue_api_token(
    *, user: User, name: str, scopes: list[str], days: int | None, actor: Principal, now: datetime
) -> str:
    """Returns the token; it cannot be shown again."""
    token = new_token()
    row = ApiToken.objects.create(
        provider_id=user.provider_id,
        user=user,
        name=name[:80],
        fingerprint=fingerprint(token),
        scopes=sorted(scopes),
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    audit.record("api-token.issued", row, actor=actor, now=now, after={"name": name, "scopes": scopes})
    return token


@transaction.atomic
def revoke_api_token(*, token_id: int, actor: Principal, now: datetime) -> None:
    """The token stops working at once. Gone already is success."""
    row = queries.api_tokens(actor).filter(pk=token_id).first()
    if row is not None:
        audit.record("api-token.revoked", row, actor=actor, now=now, before={"name": row.name})
        row.delete()


@transaction.atomic
def note_sign_in(user: User, *, is_refused: bool, address: str, now: datetime) -> None:
    """Write a sign-in, or one refused for its password, into the audit trail."""
    actor = Principal("visitor", user.login, user.provider_id, user.pk, address=address)
    if is_refused:
        audit.record("user.sign-in-failed", user, actor=actor, now=now)
    else:
        audit.record("user.signed-in", user, actor=actor, now=now)
