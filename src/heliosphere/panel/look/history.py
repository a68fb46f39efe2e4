"""Audit events as the timeline draws them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Model

from heliosphere.panel.look.parts import TimelineEvent
from heliosphere.panel.platform.event_texts import kind_of, text_of
from heliosphere.panel.platform.models import Event


def history_of(events: Iterable[Event], of: Model | None = None) -> list[TimelineEvent]:
    """Newest first, as given. Events about other things than `of` name their subject."""
    return [TimelineEvent(event.at, _said(event, of), event.actor_label, kind_of(event)) for event in events]


def _said(event: Event, of: Model | None) -> str:
    text = text_of(event)
    if of is None or event.subject_kind == of._meta.label_lower or event.subject_label in text:
        return text
    return f"{text}: {event.subject_label}"
