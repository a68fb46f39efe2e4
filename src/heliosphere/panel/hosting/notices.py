"""The notices about accounts and signups."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.accounts.models import Account, Provider
from heliosphere.panel.platform.notices import NOTICE_KINDS, NoticeKind, queue_notice
from heliosphere.panel.platform.principal import Principal

WELCOME = NOTICE_KINDS.add(
    NoticeKind("account.opened", _("Account opened"), "signup", "hosting/notices/opened.txt")
)
WAITING = NOTICE_KINDS.add(
    NoticeKind("signup.waiting", _("Signup waits for staff"), "signup", "hosting/notices/waiting.txt")
)
STAFF_WAITING = NOTICE_KINDS.add(
    NoticeKind("signup.to-moderate", _("A signup to look at"), "signup", "hosting/notices/to_moderate.txt")
)
SUSPENDED = NOTICE_KINDS.add(
    NoticeKind("account.suspended", _("Account suspended"), "accounts", "hosting/notices/suspended.txt")
)
RESUMED = NOTICE_KINDS.add(
    NoticeKind("account.resumed", _("Account resumed"), "accounts", "hosting/notices/resumed.txt")
)


def tell_customer(kind: NoticeKind, account: Account, *, actor: Principal, now: datetime) -> None:
    """To the account's holder, from the provider."""
    newest = account.contacts.order_by("-id").first()
    tell(
        kind,
        account.provider,
        to=newest.email if newest else account.user.email,
        facts={"account": account},
        account_id=account.pk,
        actor=actor,
        now=now,
    )


def tell(
    kind: NoticeKind,
    provider: Provider,
    *,
    to: str,
    facts: dict[str, Any],
    account_id: int | None = None,
    actor: Principal,
    now: datetime,
) -> None:
    """To anyone, in the provider's name."""
    queue_notice(
        kind.name,
        to=to,
        sender=provider.email,
        facts={"provider": provider, "panel_url": settings.HELIOSPHERE.panel_url} | facts,
        provider_id=provider.pk,
        account_id=account_id,
        actor=actor,
        now=now,
    )
