"""The menus: what is declared, what a viewer gets, and what comes later."""

from __future__ import annotations

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from heliosphere.panel.look import menu_map
from heliosphere.panel.look.icons import ICONS
from heliosphere.panel.platform import navigation
from heliosphere.panel.platform.navigation import Door, Entry, Group, NavItem, NavSection
from heliosphere.panel.platform.principal import Principal

pytestmark = pytest.mark.urls("tests.panel.look.urls")


@pytest.fixture(autouse=True)
def fresh_menus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the declared map, whatever the apps registered."""
    for store in ("_sections", "_items", "_homes"):
        monkeypatch.setattr(navigation, store, {})
    menu_map.register_all()


def asked(path: str = "/", role: str = "owner") -> HttpRequest:
    request = RequestFactory().get(path)
    request.principal = Principal(role, "someone")  # type: ignore[attr-defined,arg-type]
    return request


def groups(door: Door, request: HttpRequest | None = None) -> dict[str, Group]:
    return {group.key: group for group in navigation.menu(door, request or asked())}


def entry(door: Door, key: str, request: HttpRequest | None = None) -> Entry:
    return next(e for g in groups(door, request).values() for e in g.entries if e.key == key)


def test_the_admin_menu_has_the_words_admins_know() -> None:
    labels = [str(group.label) for group in navigation.menu(Door.ADMIN, asked())]
    assert labels == [
        "Search",
        "Signup",
        "Plans",
        "E.Manager",
        "Settings",
        "Look and feel",
        "Reports",
        "Support center",
        "Background jobs",
        "Licence",
    ]
    assert [str(e.label) for e in groups(Door.ADMIN)["plans"].entries][:3] == ["Create", "Manage", "Globals"]


def test_a_reseller_has_the_same_tree_less_what_only_the_owner_has() -> None:
    assert "licence" not in groups(Door.RESELLER)
    assert {e.key for e in groups(Door.RESELLER)["emanager"].entries} == {"emanager.dns", "emanager.ssl"}
    assert groups(Door.RESELLER)["plans"].entries == groups(Door.ADMIN)["plans"].entries


def test_what_has_no_screen_is_no_link() -> None:
    assert entry(Door.ADMIN, "plans.create").url == ""
    navigation.register(NavItem("plans.create", Door.ADMIN, "plans", "Create", "nowhere:at-all"))
    assert entry(Door.ADMIN, "plans.create").url == ""


@pytest.mark.parametrize("first", ["planned", "real"])
def test_a_real_screen_replaces_a_planned_one_whichever_comes_first(first: str) -> None:
    real = NavItem("search.logs", Door.ADMIN, "search", "Logs", "look:preferences")
    planned = NavItem("search.logs", Door.ADMIN, "search", "Logs", planned=True)
    navigation.register(*((planned, real) if first == "planned" else (real, planned)))
    assert entry(Door.ADMIN, "search.logs").url == "/look/"


def test_the_line_a_page_lies_under_is_marked() -> None:
    navigation.register(NavItem("look.gallery", Door.ADMIN, "look", "Gallery", "look:gallery"))
    request = asked("/look/gallery/object/")
    assert entry(Door.ADMIN, "look.gallery", request).current
    assert not entry(Door.ADMIN, "look.skins", request).current
    assert groups(Door.ADMIN, request)["look"].current


def test_the_root_is_not_everywhere() -> None:
    navigation.register(NavItem("quick", Door.USER, "quick", "Quick access", "home"))
    assert entry(Door.USER, "quick", asked("/")).current
    assert not entry(Door.USER, "quick", asked("/elsewhere")).current


def test_a_view_may_name_its_line_itself() -> None:
    request = asked("/nowhere/in/particular")
    request.nav_key = "plans.manage"  # type: ignore[attr-defined]
    assert entry(Door.ADMIN, "plans.manage", request).current


def test_what_a_viewer_may_not_do_is_not_offered() -> None:
    navigation.register_section(NavSection(Door.ADMIN, "secret", "Secret", "key"))
    navigation.register(
        NavItem("secret", Door.ADMIN, "secret", "Secret", "home", needs=lambda request: False)
    )
    assert "secret" not in groups(Door.ADMIN)


def test_a_section_of_one_is_one_link() -> None:
    assert groups(Door.ADMIN)["reports"].single is not None
    assert groups(Door.ADMIN)["plans"].single is None


@pytest.mark.parametrize(
    ("role", "door"),
    [
        ("owner", Door.ADMIN),
        ("reseller", Door.RESELLER),
        ("customer", Door.USER),
        ("visitor", Door.PUBLIC),
    ],
)
def test_the_role_opens_its_door(role: str, door: Door) -> None:
    assert navigation.door_of(asked(role=role)) is door


def test_a_view_may_choose_the_door() -> None:
    request = asked(role="owner")
    request.door = "public"  # type: ignore[attr-defined]
    assert navigation.door_of(request) is Door.PUBLIC


def test_each_door_has_a_home() -> None:
    assert navigation.home_url(Door.ADMIN) == "/"
    navigation.set_home(Door.ADMIN, "look:preferences")
    assert navigation.home_url(Door.ADMIN) == "/look/"


def test_every_menu_icon_is_declared() -> None:
    for door in Door:
        for group in navigation.menu(door, asked()):
            assert {group.icon, *(e.icon for e in group.entries)} <= set(ICONS)
