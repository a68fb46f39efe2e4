"""Writes the audit trail. Verbs call `record` inside their own transaction: no write without its event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from heliosphere.panel.platform.context import request_id
from heliosphere.panel.platform.models import Event
from heliosphere.panel.platform.principal import Principal


def record(
    name: str,
    subject: models.Model,
    *,
    actor: Principal,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    account_id: int | None = None,
) -> Event:
    """Note one write on `subject`. Values must be JSON-ready and hold no secret."""
    is_account = subject._meta.label_lower == "accounts.account"
    return Event.everything.create(
        at=now,
        provider_id=getattr(subject, "provider_id", None) or actor.provider_id,
        account_id=account_id or (subject.pk if is_account else getattr(subject, "account_id", None)),
        actor_role=actor.role,
        actor_label=actor.label[:150],
        actor_user_id=actor.user_id,
        address=actor.address,
        request_id=request_id(),
        name=name,
        subject_kind=subject._meta.label_lower,
        subject_id=subject.pk,
        subject_label=str(subject)[:255],
        before=before,
        after=after,
    )


def trail(subject: models.Model, limit: int = 50) -> list[Event]:
    """The newest events of one object, for its timeline. The caller has checked who may see the object."""
    rows = Event.everything.filter(subject_kind=subject._meta.label_lower, subject_id=subject.pk)
    return list(rows.order_by("-id")[:limit])


def trail_of_account(account_id: int, limit: int = 50) -> list[Event]:
    """The newest events of an account and what belongs to it. The caller has checked who may see them."""
    return list(Event.everything.filter(account_id=account_id).order_by("-id")[:limit])
