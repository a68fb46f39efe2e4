"""The base of every table: sorted by links, cards on a phone, an empty state instead of an empty frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_tables2 as tables
from django.utils.html import format_html

from heliosphere.panel.look import shown, states

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise


TEMPLATE = "look/table.html"
PLAIN_TEMPLATE = "django_tables2/table.html"


class HelioTable(tables.Table):  # type: ignore[misc]
    """Subclass it and declare columns as django-tables2 does.

    `empty_title`, `empty_help`, `empty_action` (label, address) make the empty state. A column whose
    `attrs` has {"td": {"class": "h-main"}} heads the card on a phone; `h-num` aligns figures.
    """

    empty_title: StrOrPromise = ""
    empty_help: StrOrPromise = ""
    empty_icon = "empty"
    empty_action: tuple[StrOrPromise, str] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """django-tables2 does not inherit Meta: a table that leaves ours out still looks like ours."""
        super().__init_subclass__(**kwargs)
        options = cls._meta
        if options.template_name in (None, PLAIN_TEMPLATE):
            options.template_name = TEMPLATE
        options.attrs = {"class": "table h-table", **(options.attrs or {})}

    class Meta:
        template_name = TEMPLATE
        attrs = {"class": "table h-table"}


class StateColumn(tables.TemplateColumn):  # type: ignore[misc]
    """A state badge."""

    def __init__(self, **extra: Any) -> None:
        super().__init__("{% load look %}{% state_badge value %}", **extra)

    def value(self, value: Any = "", **kwargs: Any) -> str:
        """The word alone, for exports."""
        return str(states.state_of(str(value)).word)


class MomentColumn(tables.TemplateColumn):  # type: ignore[misc]
    """A moment with how long ago it was."""

    def __init__(self, **extra: Any) -> None:
        super().__init__("{% load look %}{% when value %}", **extra)

    def value(self, value: Any = None, **kwargs: Any) -> str:
        return value.isoformat() if value else ""


class MoneyColumn(tables.Column):  # type: ignore[misc]
    """Minor units; `currency` is a code, or the name of the record's attribute or key that holds it."""

    def __init__(self, *, currency: str, **extra: Any) -> None:
        self._currency = currency
        extra.setdefault("attrs", {"td": {"class": "h-num"}, "th": {"class": "h-num"}})
        super().__init__(**extra)

    def render(self, value: int, record: Any) -> str:
        return format_html('<span class="h-money">{}</span>', self._text(value, record))

    def value(self, value: int, record: Any, **kwargs: Any) -> str:
        return self._text(value, record).replace(shown.NO_BREAK, " ")

    def _text(self, value: int, record: Any) -> str:
        code = self._currency
        if not (len(code) == 3 and code.isupper()):
            code = str(tables.A(code).resolve(record))
        return shown.amount(value, code)
