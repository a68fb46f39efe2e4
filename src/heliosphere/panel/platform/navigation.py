"""The menus, declared once and drawn by every skin. Apps register their items in AppConfig.ready().

A door is one of the panel's four front ends. A section groups items; a section whose only item has
the section's own key is drawn as one link. An item without a screen yet is `planned`: it is shown as
coming later, and the app that brings the screen registers the same key again with a `url_name`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise


class Door(StrEnum):
    ADMIN = "admin"
    RESELLER = "reseller"
    USER = "user"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class NavSection:
    door: Door
    key: str
    label: StrOrPromise
    icon: str
    order: int = 100


@dataclass(frozen=True, slots=True)
class NavItem:
    """One line of a menu. `needs` is asked per request whether this viewer has the screen at all."""

    key: str
    door: Door
    section: str
    label: StrOrPromise
    url_name: str = ""
    icon: str = ""
    order: int = 100
    planned: bool = False
    needs: Callable[[HttpRequest], bool] | None = None

    def at(self, door: Door) -> NavItem:
        """The same item in another door's menu."""
        return replace(self, door=door)


@dataclass(frozen=True, slots=True)
class Entry:
    """A menu line ready to draw. `url` is empty for what comes later."""

    key: str
    label: StrOrPromise
    icon: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A section ready to draw, with at least one entry."""

    key: str
    label: StrOrPromise
    icon: str
    entries: tuple[Entry, ...]

    @property
    def current(self) -> bool:
        return any(entry.current for entry in self.entries)

    @property
    def single(self) -> Entry | None:
        """The one link this section is, when it is not a list."""
        only = self.entries[0]
        return only if len(self.entries) == 1 and only.key == self.key else None


_sections: dict[tuple[Door, str], NavSection] = {}
_items: dict[tuple[Door, str], NavItem] = {}
_homes: dict[Door, str] = {}


def register_section(*sections: NavSection) -> None:
    """Declare sections; the later declaration of a key wins."""
    for section in sections:
        _sections[section.door, section.key] = section


def register(*items: NavItem) -> None:
    """Declare items. A real item replaces a planned one of the same key whichever comes first."""
    for item in items:
        place = (item.door, item.key)
        if item.planned and place in _items and not _items[place].planned:
            continue
        _items[place] = item


def set_home(door: Door, url_name: str) -> None:
    """Name the home page of a door; without one it is the page called "home"."""
    _homes[door] = url_name


def items(door: Door) -> tuple[NavItem, ...]:
    """All that is declared for a door, in drawing order, whoever looks."""
    mine = [item for item in _items.values() if item.door is door and (door, item.section) in _sections]
    return tuple(sorted(mine, key=lambda i: (_sections[door, i.section].order, i.section, i.order, i.key)))


def home_url(door: Door) -> str:
    """Address of the door's home page; the site's root while it has none."""
    return address(_homes.get(door, "home")) or "/"


def address(url_name: str) -> str:
    """The page's address, or empty when no such page is installed or it needs an argument."""
    if not url_name:
        return ""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


def menu(door: Door, request: HttpRequest) -> tuple[Group, ...]:
    """The menu of `door` as this request may see it, the line it belongs to marked as current."""
    allowed = [item for item in items(door) if item.needs is None or item.needs(request)]
    drawn = [(item, "" if item.planned else address(item.url_name)) for item in allowed]
    here = _current_key(request, drawn)
    groups = []
    for section in sorted((s for s in _sections.values() if s.door is door), key=lambda s: (s.order, s.key)):
        entries = tuple(
            Entry(item.key, item.label, item.icon or section.icon, url, current=item.key == here)
            for item, url in drawn
            if item.section == section.key
        )
        if entries:
            groups.append(Group(section.key, section.label, section.icon, entries))
    return tuple(groups)


def door_of(request: HttpRequest) -> Door:
    """Which door a request came through.

    A view or middleware may say so with `request.door`; else the acting principal's role decides.
    """
    door = getattr(request, "door", None)
    if door is not None:
        return Door(door)
    role = getattr(getattr(request, "principal", None), "role", "visitor")
    return {"owner": Door.ADMIN, "reseller": Door.RESELLER, "customer": Door.USER}.get(role, Door.PUBLIC)


def _current_key(request: HttpRequest, drawn: list[tuple[NavItem, str]]) -> str:
    """The item with the longest address that the request's path lies under, or the one the view named."""
    named = getattr(request, "nav_key", "")
    if named:
        return str(named)
    under = [(len(url), item.key) for item, url in drawn if url and _is_under(request.path, url)]
    return max(under)[1] if under else ""


def _is_under(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url if url.endswith("/") else url + "/"))
