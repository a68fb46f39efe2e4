"""What is thrown away of signups that were never sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from heliosphere.panel.signup.models import RequestState, SignupRequest

#: How long an unfinished signup may be taken up again.
KEEP_DRAFTS = timedelta(days=14)


def forget_drafts(now: datetime) -> int:
    """Periodic: what visitors typed and never sent is deleted; it is personal data without a purpose."""
    old = SignupRequest.everything.filter(state=RequestState.DRAFT, created_at__lt=now - KEEP_DRAFTS)
    return old.delete()[0]
