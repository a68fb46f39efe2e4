"""Pages that ask a mail server, as they move by themselves, and with scripts switched off."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from heliosphere.panel.servers.models import LogicalServer
from tests.browser.conftest import PageFor
from tests.browser.test_screens import sign_in
from tests.panel.conftest import House, house, run_all_jobs
from tests.panel.mail.conftest import node
from tests.panel.mail.nodes import MailNode

__all__ = ["house", "node"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(200)]


@pytest.fixture(autouse=True)
def _one_time_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.panel.conftest import NOW

    monkeypatch.setattr("heliosphere.panel.platform.middleware.system_clock", lambda: NOW)


def settings_url(base: str) -> str:
    server = LogicalServer.objects.get(name="mail1.sun.test")
    return f"{base}/admin/mail/servers/{server.pk}/"


def open_settings(page: Page, base: str, node: MailNode) -> None:
    sign_in(page, base, "admin")
    page.goto(settings_url(base))
    expect(page.get_by_text("Asking the server for its settings")).to_be_visible()
    run_all_jobs(node)
    expect(page.get_by_role("heading", name="Connecting")).to_be_visible()


def test_settings_show_once_the_server_has_answered_and_tell_when_they_are_old(
    live_server: Any, house: House, node: MailNode, page_for: PageFor
) -> None:
    page = page_for()
    open_settings(page, live_server.url, node)
    expect(page.get_by_text("As the server has them now.")).to_be_visible()


def test_the_search_hides_as_one_types_and_an_error_stays_in_sight(
    live_server: Any, house: House, node: MailNode, page_for: PageFor
) -> None:
    page = page_for()
    open_settings(page, live_server.url, node)
    search = page.get_by_label("Find a setting")
    search.press_sequentially("tarpit")
    expect(page.locator("#control-tarpitdelay")).to_be_visible()
    expect(page.locator("#control-badmailfrom")).to_be_hidden()
    expect(page.get_by_role("heading", name="Connecting")).to_be_hidden()
    search.press("Enter")
    expect(page.locator("#control-tarpitdelay")).to_be_visible()
    search.fill("no such words")
    expect(page.get_by_text("No setting has these words.")).to_be_visible()
    search.fill("")
    page.locator("#control-maxrecipients").fill("many")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("this is not a number").first).to_be_visible()
    page.get_by_label("Find a setting").press_sequentially("tarpit")
    expect(page.locator("#control-maxrecipients")).to_be_visible()


def test_sessions_come_by_themselves(
    live_server: Any, house: House, node: MailNode, page_for: PageFor
) -> None:
    node.record()
    page = page_for()
    sign_in(page, live_server.url, "admin")
    page.goto(f"{live_server.url}/admin/mail/sessions/")
    expect(page.get_by_text("The mail server is being asked")).to_be_visible()
    run_all_jobs(node)
    row = page.get_by_role("row", name=re.compile("eve@junk.test"))
    expect(row).to_be_visible()
    row.get_by_role("link").click()
    expect(page.get_by_text("The mail server is being asked")).to_be_visible()
    run_all_jobs(node)
    expect(page.get_by_text("badmailfrom, line 3: @junk.test", exact=True)).to_be_visible()
    page.get_by_role("link", name="Explain with today's settings").first.click()
    expect(page.get_by_label("Sender")).to_have_value("eve@junk.test")


def test_all_of_it_works_without_scripts(
    live_server: Any, house: House, node: MailNode, page_for: PageFor
) -> None:
    node.record()
    page = page_for(javascript=False)
    sign_in(page, live_server.url, "admin")
    page.goto(settings_url(live_server.url))
    page.get_by_role("button", name="Read the settings").click()
    run_all_jobs(node)
    expect(page.get_by_role("heading", name="Connecting")).to_be_visible()
    page.get_by_label("Find a setting").fill("badmailfrom")
    page.get_by_role("button", name="Find").click()
    page.locator("#control-badmailfrom").fill("@junk.test")
    page.get_by_role("button", name="Save", exact=True).click()
    run_all_jobs(node)
    expect(page.get_by_text("All done")).to_be_visible()
    assert node.control("badmailfrom") == "@junk.test\n"
    page.goto(f"{live_server.url}/admin/mail/sessions/")
    page.get_by_role("button", name="Look up").click()
    run_all_jobs(node)
    page.get_by_role("row", name=re.compile("eve@junk.test")).get_by_role("link").click()
    page.get_by_role("button", name="Show the session").click()
    run_all_jobs(node)
    expect(page.get_by_text("badmailfrom, line 3: @junk.test", exact=True)).to_be_visible()
