"""Every page of every door in a real browser, as a provider with a month behind it sees them.

Each is looked at three times as wide and in both schemes: no accessibility violation, never wider than
the window, and a picture under build/screenshots for people.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from heliosphere.panel.accounts.models import User
from heliosphere.panel.billing.gateways.base import GATEWAYS
from tests.browser import screens
from tests.browser.checks import COLOUR_RULES, overflow, violations
from tests.browser.conftest import SIZES, PageFor
from tests.browser.world import World, add_second_factor, build
from tests.panel.conftest import NOW, PASSWORD, make_staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
Picture = Callable[[Page, str], Path]


@pytest.fixture
def world(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """The provider, with time standing still for everyone who asks."""
    monkeypatch.setattr("heliosphere.panel.platform.middleware.system_clock", lambda: NOW)
    world = build()
    monkeypatch.setattr(GATEWAYS, "_entries", {"test": world.gateway})
    return world


def sign_in(page: Page, base: str, login: str) -> None:
    page.goto(f"{base}/accounts/login/")
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/login/" not in url)


class Visit:
    """Opens screens one after the other and keeps what is wrong with them."""

    def __init__(
        self, page: Page, base: str, picture: Picture, world: World, facts: dict[str, object]
    ) -> None:
        self.page, self.base, self.picture, self.world = page, base, picture, world
        self.facts = facts
        self.wrong: dict[str, list[str]] = {}

    def all(self, door: str, wanted: tuple[screens.Screen, ...]) -> None:
        for screen in wanted:
            status = self._open(screen)
            self.look(f"{door}-{screen.name}")
            if status != screen.status:
                self.wrong[f"{door}-{screen.name} answered"] = [f"{status}, not {screen.status}"]

    def _open(self, screen: screens.Screen) -> int:
        self.world.gateway.obey(screen.name)
        answer = self.page.goto(self.base + screen.path.format(**self.facts))
        if screen.act:
            screen.act(self.page, self.world)
        return answer.status if answer else 0

    def look(self, name: str) -> None:
        """The page that is open, at every width and in both schemes."""
        found: list[str] = []
        for size, (width, height) in SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            found += [f"{size} {line}" for line in self._look_at(name, size)]
        if found:
            self.wrong[name] = found

    def _look_at(self, name: str, size: str) -> list[str]:
        self.page.emulate_media(color_scheme="light")
        self.picture(self.page, f"{name}-{size}-light")
        found = violations(self.page)
        if (by := overflow(self.page)) > 0:
            found.append(f"wider by {by}")
        self.page.emulate_media(color_scheme="dark")
        if size != "tablet":
            self.picture(self.page, f"{name}-{size}-dark")
        return found + [f"dark: {line}" for line in violations(self.page, COLOUR_RULES)]


def test_every_page_of_customers_is_accessible_and_fits(
    live_server: Any, world: World, page_for: PageFor, picture: Picture
) -> None:
    facts, wrong = screens.facts(world), {}
    for door, login, wanted in (
        ("public", "", screens.PUBLIC),
        ("customer", world.account.user.login, screens.CUSTOMER),
        ("plain", "no-domain", screens.PLAIN),
        ("suspended", world.suspended.user.login, screens.SUSPENDED),
    ):
        page = page_for()
        if login:
            sign_in(page, live_server.url, login)
        visit = Visit(page, live_server.url, picture, world, facts)
        visit.all(door, wanted)
        wrong |= visit.wrong
    say(wrong)


@pytest.mark.parametrize("part", ["selling", "running", "mail"])
def test_every_page_of_staff_is_accessible_and_fits(
    part: str, live_server: Any, world: World, page_for: PageFor, picture: Picture
) -> None:
    page = page_for()
    sign_in(page, live_server.url, "admin")
    visit = Visit(page, live_server.url, picture, world, screens.facts(world))
    visit.all("admin", {"selling": screens.SELLING, "running": screens.RUNNING, "mail": screens.MAIL}[part])
    say(visit.wrong)


def say(wrong: dict[str, list[str]]) -> None:
    """Everything that is wrong, readable, then the failure."""
    for name, complaints in wrong.items():
        print(name, *complaints, sep="\n  ")
    assert wrong == {}


def test_pages_around_signing_in_and_trouble(
    live_server: Any, world: World, page_for: PageFor, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second factor's question, a form grown old, and our own mistake."""
    make_staff(world.house.provider, "careful")
    add_second_factor(User.objects.get(login="careful"))
    page = page_for()
    sign_in(page, live_server.url, "careful")
    visit = Visit(page, live_server.url, picture, world, {})
    visit.look("second-factor")
    page = page_for()
    sign_in(page, live_server.url, "admin")
    visit = Visit(page, live_server.url, picture, world, {})
    page.goto(f"{live_server.url}/admin/company/")
    page.evaluate("document.querySelectorAll('[name=csrfmiddlewaretoken]').forEach(i => { i.value = 'x' })")
    page.get_by_role("button", name="Save").click()
    visit.look("form-too-old")
    monkeypatch.setattr("heliosphere.panel.hosting.queries.trouble_count", None)
    page.goto(f"{live_server.url}/admin/")
    visit.look("our-mistake")
    say(visit.wrong)
