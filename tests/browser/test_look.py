"""Every page kind in a real browser: accessible, never wider than the screen, usable without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from heliosphere.panel.look.gallery import KINDS
from tests.browser.checks import overflow, violations
from tests.browser.conftest import PageFor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls("tests.panel.look.urls"),
    pytest.mark.django_db(transaction=True),
]
Picture = Callable[[Page, str], Path]

WIDTHS = ["phone", "tablet", "desktop"]
SCHEMES = ["light", "dark"]
PAGES = {"gallery": "/look/gallery/", "list": "/look/gallery/list/", "preferences": "/look/"} | {
    kind: f"/look/gallery/{kind}/" for kind in KINDS
}
ENTRANCE = {"login": "/accounts/login/", "reset": "/accounts/password/reset/", "missing": "/no/such/page"}


def test_the_checks_see_what_is_wrong(live_server: Any, page_for: PageFor) -> None:
    page = page_for("phone")
    page.goto(f"{live_server.url}/look/gallery/object/")
    page.evaluate(
        """() => { const p = document.createElement("p"); p.textContent = "faint"; p.id = "faint";
        p.style.color = "#eee"; p.style.background = "#fff"; p.style.width = "800px";
        document.querySelector("main").append(p) }"""
    )
    assert [line for line in violations(page) if "faint" in line]
    assert overflow(page) > 0


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.timeout(300)
def test_every_page_kind_is_accessible_and_fits(
    size: str, scheme: str, live_server: Any, page_for: PageFor, picture: Picture
) -> None:
    page = page_for(size, scheme)
    wrong: dict[str, Any] = {}
    for name, path in {**PAGES, **ENTRANCE}.items():
        page.goto(f"{live_server.url}{path}")
        picture(page, f"{name}-{size}-{scheme}")
        found = violations(page)
        if found or overflow(page) > 0:
            wrong[name] = [f"wider by {overflow(page)}", *found]
    for name, complaints in wrong.items():
        print(name, *complaints, sep="\n  ")
    assert wrong == {}


@pytest.mark.parametrize("skin", ["left-text", "home", "home-text", "top", "top-text"])
@pytest.mark.timeout(300)
def test_every_skin_is_accessible_and_fits(
    skin: str, live_server: Any, page_for: PageFor, picture: Picture
) -> None:
    wrong: dict[str, Any] = {}
    for size in ("phone", "desktop"):
        page = page_for(size, "light")
        for kind in ("home", "object"):
            page.goto(f"{live_server.url}/look/gallery/{kind}/?skin={skin}")
            picture(page, f"{skin}-{kind}-{size}")
            found = violations(page)
            if found or overflow(page) > 0:
                wrong[f"{kind} {size}"] = [f"wider by {overflow(page)}", *found]
    assert wrong == {}


def test_content_policy_blocks_nothing_we_use(live_server: Any, page_for: PageFor) -> None:
    page = page_for("desktop")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for path in PAGES.values():
        page.goto(f"{live_server.url}{path}")
    assert complaints == []


def test_right_to_left_fits(live_server: Any, page_for: PageFor, picture: Picture) -> None:
    page = page_for("desktop")
    page.goto(f"{live_server.url}/look/gallery/object/?dir=rtl")
    picture(page, "object-rtl")
    menu = page.locator("#menu").bounding_box()
    assert menu is not None
    assert menu["x"] > 700
    assert overflow(page) == 0


def test_keyboard_focus_is_always_seen(live_server: Any, page_for: PageFor) -> None:
    page = page_for("desktop")
    page.goto(f"{live_server.url}/look/gallery/object/")
    unseen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
            const e = document.activeElement, style = getComputedStyle(e);
            if (e === document.body) return "end";
            const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
            return ring && e.getBoundingClientRect().width > 0 ? "" : e.outerHTML }"""
        )
        if seen == "end":
            break
        if seen:
            unseen.append(seen[:120])
    assert unseen == []


def test_every_target_is_large_enough(live_server: Any, page_for: PageFor) -> None:
    page = page_for("phone")
    page.goto(f"{live_server.url}/look/gallery/object/")
    small = page.evaluate(
        """() => [...document.querySelectorAll("a[href], button, input, select, summary")]
        .filter(e => e.checkVisibility() && !e.closest("p, dd"))
        .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
        .filter(([html, box]) => box.width > 0 && !html.includes("h-skip"))
        .filter(([html, box]) => box.height < 24 || box.width < 24).map(([html]) => html)"""
    )
    assert small == []


def test_the_menu_opens_on_a_phone_without_javascript(
    live_server: Any, page_for: PageFor, picture: Picture
) -> None:
    page = page_for("phone", javascript=False)
    for skin in ("left", "top"):
        page.goto(f"{live_server.url}/look/gallery/object/?skin={skin}")
        menu = page.locator("#menu")
        expect(menu).to_be_hidden()
        page.get_by_role("link", name="Menu").click()
        expect(menu).to_be_visible()
        picture(page, f"menu-{skin}")
        menu.get_by_role("link", name="Close").click()
        expect(menu).to_be_hidden()


def test_skin_and_colours_are_kept_without_javascript(live_server: Any, page_for: PageFor) -> None:
    page = page_for("desktop", javascript=False)
    page.goto(f"{live_server.url}/look/")
    page.get_by_label("Horizontal, text").check()
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your look is saved on this device.")).to_be_visible()
    html = page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    expect(html).to_have_attribute("data-skin", "top-text")


def test_colours_change_at_once_and_are_kept(live_server: Any, page_for: PageFor) -> None:
    page = page_for("desktop")
    page.goto(f"{live_server.url}/look/gallery/object/")
    page.locator("summary", has_text="Look").last.click()
    with page.expect_response("**/look/"):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_the_list_searches_as_you_type(live_server: Any, page_for: PageFor) -> None:
    page = page_for("desktop")
    page.goto(f"{live_server.url}/look/gallery/list/")
    before = page.locator("#list-count").inner_text()
    box = page.get_by_role("searchbox", name="Search")
    box.press_sequentially("add_permission")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list-count")).to_have_text("1")
    expect(box).to_have_value("add_permission")
    expect(box).to_be_focused()
    assert "q=add_permission" in page.url
    assert before != "1"


def test_a_field_says_what_is_wrong_on_leaving_it(live_server: Any, page_for: PageFor) -> None:
    page = page_for("desktop")
    page.goto(f"{live_server.url}/look/gallery/wizard/")
    field = page.get_by_label("Contact e-mail")
    field.fill("anna@")
    field.press("Tab")
    expect(field).to_have_attribute("aria-invalid", "true")
    error = page.locator("#id_email_error")
    expect(error).to_be_visible()
    field.fill("anna@lindner.example")
    expect(error).to_be_hidden()
    assert field.get_attribute("aria-invalid") is None


def test_a_dangerous_act_waits_for_the_name(live_server: Any, page_for: PageFor) -> None:
    page = page_for("desktop")
    page.goto(f"{live_server.url}/look/gallery/confirm/")
    button = page.get_by_role("button", name="Delete the account")
    expect(button).to_be_disabled()
    page.get_by_label("Type bakery-lindner to confirm").fill("bakery-lindner")
    expect(button).to_be_enabled()


def test_the_error_summary_takes_the_focus_and_leads_to_the_field(
    live_server: Any, page_for: PageFor
) -> None:
    page = page_for("desktop")
    page.goto(f"{live_server.url}/look/gallery/wizard-errors/")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="Plan name").click()
    expect(page.get_by_label("Plan name")).to_be_focused()
