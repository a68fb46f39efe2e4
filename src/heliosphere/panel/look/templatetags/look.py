"""The shared components as template tags: {% load look %}. Markup only; texts come from `look.shown`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django import template
from django.forms import BaseForm
from django.forms.boundfield import BoundField
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from heliosphere.panel.look import shown, states
from heliosphere.panel.look.icons import ICONS
from heliosphere.panel.look.parts import Bar, Crumb, Fact, Step, Tab, TimelineEvent

register = template.Library()
BAR_STEP, BAR_HEIGHT, BAR_TOP = 64, 120, 20


@register.simple_tag(takes_context=True)
def icon(context: Context, name: str, title: str = "", size: str = "") -> SafeString:
    """An icon by our own name for it. Decorative without `title`. Text-only skins draw the title, or nothing.

    An unknown name is a mistake of the page and raises KeyError.
    """
    if name not in ICONS:
        raise KeyError(f"no icon is called {name!r}: declare it in look/icons.py")
    if _text_only(context):
        return format_html("{}", title) if title else mark_safe("")
    return _svg(name, title, size)


def _svg(name: str, title: str = "", size: str = "") -> SafeString:
    classes = f"h-icon h-icon-{size}" if size else "h-icon"
    sheet = static("vendor/icons.svg")
    if not title:
        return format_html(
            '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
            classes,
            sheet,
            name,
        )
    return format_html(
        '<svg class="{}" role="img" aria-label="{}" focusable="false"><use href="{}#{}"></use></svg>',
        classes,
        title,
        sheet,
        name,
    )


def _text_only(context: Context) -> bool:
    look = context.get("look")
    return bool(look and look.skin.text_only)


@register.simple_tag(takes_context=True)
def state_badge(context: Context, key: str) -> SafeString:
    """A state's word in its colour with its icon: {% state_badge "active" %}."""
    state = states.state_of(str(key))
    picture = mark_safe("") if _text_only(context) else _svg(state.icon)
    return format_html('<span class="h-badge h-tone-{}">{}{}</span>', state.tone, picture, state.word)


@register.simple_tag
def money(minor: int | None, currency: str) -> SafeString:
    """An amount that cannot be misread: "EUR 12.50". None is a dash."""
    if minor is None:
        return mark_safe('<span class="h-money h-muted">–</span>')
    return format_html('<span class="h-money">{}</span>', shown.amount(minor, currency))


@register.simple_tag
def charge_or_credit(minor: int, currency: str) -> SafeString:
    """An amount with the word that says which way it goes. Above zero the customer owes it."""
    if minor > 0:
        word, tone = pgettext("money", "charge"), "charge"
    elif minor < 0:
        word, tone = pgettext("money", "credit"), "credit"
    else:
        word, tone = pgettext("money", "nothing due"), "zero"
    return format_html(
        '<span class="h-money h-money-{}">{} <span class="h-money-word">{}</span></span>',
        tone,
        shown.amount(abs(minor), currency),
        word,
    )


@register.simple_tag
def balance(minor: int, currency: str) -> SafeString:
    """Where an account stands, by the ledger's sign: below zero the customer owes it."""
    if minor < 0:
        word, tone = pgettext("money", "owed"), "owed"
    elif minor > 0:
        word, tone = pgettext("money", "credit"), "credit"
    else:
        word, tone = pgettext("money", "nothing owed"), "zero"
    return format_html(
        '<span class="h-money h-money-{}">{} <span class="h-money-word">{}</span></span>',
        tone,
        shown.amount(abs(minor), currency),
        word,
    )


@register.simple_tag(takes_context=True)
def when(context: Context, at: datetime | None, only: str = "") -> SafeString:
    """A moment, absolute in the viewer's zone, with how far away it is beside it.

    `only="relative"` shows just the distance and keeps the moment in the title; `only="absolute"`
    leaves the distance out, for paper.
    """
    if at is None:
        return mark_safe('<span class="h-muted">–</span>')
    look = context.get("look")
    now = look.now if look else None
    absolute = shown.moment(at)
    machine = (at.astimezone(UTC) if at.tzinfo else at).isoformat(timespec="seconds")
    far = "" if now is None or only == "absolute" else _distance(at, now)
    if only == "relative" and far:
        return format_html('<time datetime="{}" title="{}">{}</time>', machine, absolute, far)
    time = format_html('<time datetime="{}" class="h-when">{}</time>', machine, absolute)
    return format_html('{} <span class="h-muted h-ago">{}</span>', time, far) if far else time


def _distance(at: datetime, now: datetime) -> str:
    return _("just now") if shown.is_just_now(at, now) else shown.distance(at, now)


@register.inclusion_tag("look/parts/meter.html")
def meter(
    used: float, limit: float | None, unit: str = "", label: str = "", calm: bool = False
) -> dict[str, Any]:
    """How much of something is used. Warns from 80 %, alarms from 95 %; no limit (None) draws no bar.

    `calm`: using all of it is no trouble (one site of one), so nothing warns.
    """
    share = None if limit is None else (used / limit if limit else 1.0)
    tone = "bad" if share is not None and share >= 0.95 else "warn" if share and share >= 0.8 else "good"
    tone = "good" if calm else tone
    return {
        "label": label,
        "used": shown.quantity(used, unit),
        "limit": None if limit is None else shown.quantity(limit, unit),
        "percent": None if share is None else shown.percent(share),
        "value": 0 if share is None else round(min(share, 1.0) * 1000),
        "tone": tone,
    }


@register.inclusion_tag("look/parts/progress.html")
def progress(done: int, total: int, label: str = "", steps: bool = True) -> dict[str, Any]:
    """Work done of work to do. A total of 0 means the end is not known yet. `steps`: say the count too."""
    return {
        "steps": steps,
        "done": done,
        "total": total,
        "label": label,
        "percent": shown.percent(done / total) if total else "",
    }


@register.inclusion_tag("look/parts/timeline.html", takes_context=True)
def timeline(context: Context, events: Iterable[TimelineEvent], empty: str = "") -> dict[str, Any]:
    """What happened, newest first as given. Events have .at .text and may have .actor_label .kind .url."""
    drawn = [{"event": event, **_event_mark(getattr(event, "kind", "note"))} for event in events]
    return {"events": drawn, "empty": empty, "look": context.get("look")}


def _event_mark(kind: str) -> dict[str, str]:
    if kind in states.STATES:
        state = states.STATES[kind]
        return {"icon": state.icon, "tone": state.tone}
    return {"icon": kind if kind in ICONS else "note", "tone": "quiet"}


@register.inclusion_tag("look/parts/empty_state.html", takes_context=True)
def empty_state(
    context: Context,
    title: str,
    text: str = "",
    action_label: str = "",
    action_url: str = "",
    icon: str = "empty",
) -> dict[str, Any]:
    """An empty place that says what belongs here and what to do next."""
    return {
        "title": title,
        "text": text,
        "action_label": action_label,
        "action_url": action_url,
        "icon": icon,
        "look": context.get("look"),
    }


@register.inclusion_tag("look/parts/notice.html", takes_context=True)
def notice(
    context: Context, kind: str, text: str, title: str = "", url: str = "", link: str = ""
) -> dict[str, Any]:
    """A remark on the page: kind is info, success, warning or error."""
    return {
        "kind": kind,
        "icon": kind,
        "text": text,
        "title": title,
        "url": url,
        "link": link,
        "look": context.get("look"),
    }


@register.inclusion_tag("look/parts/facts.html", takes_context=True)
def facts(context: Context, lines: Iterable[Fact], columns: int = 1) -> dict[str, Any]:
    """A definition list of `parts.Fact`."""
    return {"lines": lines, "columns": columns, "look": context.get("look")}


@register.inclusion_tag("look/parts/tabs.html")
def tabs(items: Sequence[Tab], label: str = "") -> dict[str, Any]:
    """Links to the subjects of one object; `parts.Tab`."""
    return {"items": items, "label": label or _("Subjects")}


@register.inclusion_tag("look/parts/steps.html", takes_context=True)
def steps(context: Context, items: Sequence[Step], label: str = "") -> dict[str, Any]:
    """Where a wizard stands; `parts.Step`."""
    current = next((place for place, step in enumerate(items, 1) if step.state == "current"), len(items))
    return {
        "items": items,
        "current": current,
        "label": label or _("Steps"),
        "look": context.get("look"),
    }


@register.inclusion_tag("look/parts/breadcrumbs.html", takes_context=True)
def breadcrumbs(context: Context) -> dict[str, Any]:
    """The way here: the page's own `breadcrumbs`, or what the menu knows about where the page lies."""
    look = context.get("look")
    given = context.get("breadcrumbs")
    return {"crumbs": list(given) if given is not None else _crumbs_from_menu(look), "look": look}


def _crumbs_from_menu(look: Any) -> list[Crumb]:
    """Home and the section; the page's own title stands just below, so it is not repeated."""
    if look is None or look.is_home:
        return []
    crumbs = [Crumb(_("Home"), look.home_url)]
    if look.current and not look.current[0].single:
        crumbs.append(Crumb(look.current[0].label))
    return crumbs


@register.inclusion_tag("look/parts/pagination.html", takes_context=True)
def pagination(context: Context, page: Any, field: str = "page") -> dict[str, Any]:
    """Pages of a plain Django `Page`; tables draw their own."""
    pages = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return {
        "page": page,
        "pages": list(pages),
        "field": field,
        "request": context.get("request"),
        "look": context.get("look"),
    }


@register.inclusion_tag("look/forms/error_summary.html", takes_context=True)
def error_summary(context: Context, form: BaseForm) -> dict[str, Any]:
    """What is wrong, on top of the form, each line a link to its field. Nothing when nothing is wrong."""
    return {"form": form, "look": context.get("look")}


@register.inclusion_tag("look/parts/bars.html")
def bars(points: Sequence[Bar], title: str = "") -> dict[str, Any]:
    """A small bar chart, drawn on the server. The table below a chart says the same exactly."""
    top = max((point.value for point in points), default=0) or 1
    drawn = [
        {
            "point": point,
            "x": place * BAR_STEP,
            "middle": place * BAR_STEP + BAR_STEP // 2,
            "height": round(BAR_HEIGHT * point.value / top),
            "y": round(BAR_HEIGHT - BAR_HEIGHT * point.value / top) + BAR_TOP,
        }
        for place, point in enumerate(points)
    ]
    return {"bars": drawn, "title": title, "width": max(len(points), 1) * BAR_STEP}


@register.simple_tag
def field(bound: BoundField) -> SafeString:
    """One field with label, help and error: the same as `{{ bound.as_field_group }}`."""
    return bound.as_field_group()


@register.filter
def tone_of(key: str) -> str:
    """The tone of a state, for a page that colours something itself."""
    return states.state_of(str(key)).tone


@register.filter
def quantity(value: float, unit: str = "") -> str:
    """A number with its unit: {{ bytes|quantity:"bytes" }}."""
    return shown.quantity(value, unit)
