"""The path the product stands on: from an empty panel to delivered mail, in a browser and for real."""

from __future__ import annotations

import imaplib
import poplib
import re
from collections.abc import Iterator

import dns.message
import dns.query
import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.scenarios import mail
from tests.scenarios.house import RunningHouse, running_house, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.browser, pytest.mark.timeout(400)]
PASSWORD = "a long walk by the sea"
BOX_PASSWORD = "letters for breakfast"


@pytest.fixture(
    scope="module",
    params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)],
)
def house(request: pytest.FixtureRequest) -> Iterator[RunningHouse]:
    with running_house("--empty", *(["--cluster"] if request.param == "cluster" else [])) as running:
        yield running


def sign_in(page: Page, house: RunningHouse, login: str, password: str) -> None:
    page.goto(f"{house.panel}/accounts/login/")
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/(admin|cp)/$"))


def ask(house: RunningHouse, name: str, kind: str) -> str:
    """The answer section of our name server as text."""
    question = dns.message.make_query(name, kind)
    answer = dns.query.udp(question, "127.0.0.1", port=house.port("dns"), timeout=5)
    return "\n".join(str(rrset) for rrset in answer.answer)


def site(house: RunningHouse, name: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{house.port('web')}/", headers={"Host": name}, timeout=10)


def next_step(page: Page, name: str = "Continue") -> None:
    page.get_by_role("button", name=name).click()


def make_plan(page: Page, house: RunningHouse) -> None:
    """The wizard, filled in as a person would."""
    page.goto(f"{house.panel}/admin/plans/create/")
    page.get_by_label("Plan name").fill("Family")
    page.get_by_label("Description").fill("A site and mail for everyone at home.")
    next_step(page)
    page.get_by_label("Activate Mailbox at signup").set_checked(False)
    next_step(page)
    page.locator("[name=setup_account]").fill("10")
    page.locator("[name=recurrent_account]").fill("4.90")
    page.locator("[name=free_mailbox]").fill("2")
    page.locator("[name=max_mailbox]").fill("5")
    next_step(page)
    page.locator("[name=size_1]").fill("1")
    page.locator("[name=unit_1]").select_option("year")
    page.locator("[name=recurrent_discount_1]").fill("10")
    next_step(page)
    next_step(page, "Create the plan")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Family")
    page.get_by_role("button", name="Open for signup").click()
    expect(page.get_by_text("Family is open for signup")).to_be_visible()


def walk_the_wizard(page: Page, house: RunningHouse, *, login: str, payment: str, picture) -> None:
    page.goto(f"{house.panel}/plans/")
    page.get_by_role("link", name="Sign up for Family").click()
    next_step(page)
    page.get_by_label("Name under our domain").fill(login)
    picture(page, f"signup-domain-{login}")
    next_step(page)
    for label, text in {
        "First name": "Ada", "Last name": "Stone", "Address": "Harbour Street 7", "Postal code": "20457",
        "City": "Hamburg", "E-mail": "ada@mail.test",
    }.items():  # fmt: skip
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Country").select_option("DE")
    next_step(page)
    page.get_by_label(payment).check()
    next_step(page)
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=repeat]").fill(PASSWORD)
    next_step(page)
    expect(page.get_by_role("row", name=re.compile("Total"))).to_contain_text("EUR\N{NO-BREAK SPACE}17.73")
    picture(page, f"signup-confirm-{login}")


@pytest.fixture(scope="module")
def admin(house: RunningHouse, browser: Browser) -> Iterator[Page]:
    """The administrator of an empty panel, who has done the first steps: a tax, cards, a plan."""
    page = browser.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce").new_page()
    page.set_default_timeout(15_000)
    sign_in(page, house, *house.admin)
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    page.goto(f"{house.panel}/accounts/2fa/")
    expect(page.get_by_text("Authenticator", exact=False).first).to_be_visible()
    page.goto(f"{house.panel}/admin/settings/taxes/")
    page.get_by_label("Description").fill("VAT 19 %")
    page.locator("[name=rate]").fill("19")
    page.locator("[name=country]").fill("DE")
    page.get_by_role("button", name="Add the tax").click()
    page.goto(f"{house.panel}/admin/settings/payment/")
    page.get_by_label("Accept cards").check()
    page.get_by_role("button", name="Save").click()
    make_plan(page, house)
    yield page
    page.context.close()


@pytest.mark.guide("SETUP-004")
def test_from_an_empty_panel_to_delivered_mail_and_back(house: RunningHouse, admin: Page, page_for, picture):
    visitor = page_for()
    picture(admin, "admin-plan")

    # A visitor signs up by check; staff let them in.
    walk_the_wizard(visitor, house, login="ada", payment="Check", picture=picture)
    visitor.get_by_role("button", name="Order").click()
    expect(visitor.get_by_role("heading", name="Thank you. Your signup is with our staff.")).to_be_visible()
    admin.goto(f"{house.panel}/admin/signup/moderation/")
    admin.get_by_role("link", name="ada").first.click()
    picture(admin, "admin-moderation")
    admin.get_by_label("Check number").fill("100234")
    admin.get_by_role("button", name="Open the account").click()
    expect(admin.get_by_text("All done")).to_be_visible(timeout=30_000)
    picture(admin, "admin-account-live")

    # What was sold is real.
    name = "ada.heliosphere.test"
    assert "127.0.0.1" in ask(house, name, "A")
    assert "10 mail1.heliosphere.test." in ask(house, name, "MX")
    assert "v=spf1" in ask(house, name, "TXT")
    assert "ns1.heliosphere.test." in ask(house, name, "NS")
    assert "hostmaster.heliosphere.test." in ask(house, name, "SOA")
    page = wait_for(lambda: (found := site(house, name)).status_code == 200 and found, 10, "the site")
    assert name in page.text

    sign_in(visitor, house, "ada", PASSWORD)
    picture(visitor, "customer-home")
    visitor.goto(f"{house.panel}/cp/mail/")
    visitor.get_by_role("link", name="Add a mailbox").click()
    visitor.get_by_label("Address").fill("ada")
    visitor.get_by_label("Password", exact=True).fill(BOX_PASSWORD)
    visitor.get_by_label("Password again").fill(BOX_PASSWORD)
    visitor.get_by_label("Quota").fill("50")
    visitor.get_by_role("button", name="Add the mailbox").click()
    visitor.wait_for_url(f"{house.panel}/cp/mail/")
    wait_for(lambda: visitor.reload() and visitor.get_by_text("Live").is_visible(), 20, "the mailbox")
    picture(visitor, "customer-mailboxes")
    box = f"ada@{name}"
    mail.send(house.port("submission"), box, BOX_PASSWORD, box, "The first letter")
    read = wait_for(lambda: mail.read_pop3(house.port("pop3"), box, BOX_PASSWORD), 10, "the letter")
    assert "The first letter" in read
    assert "The first letter" in mail.read_imap(house.port("imap"), box, BOX_PASSWORD)
    stored = house.data / "mail" / "vpopmail" / "domains" / name / "ada" / "Maildir"
    assert [file for folder in ("new", "cur") for file in (stored / folder).iterdir()]

    # Money: the invoice is paid, as page and as PDF.
    visitor.goto(f"{house.panel}/cp/billing/")
    visitor.get_by_role("link", name="000001").click()
    expect(visitor.get_by_text("Paid").first).to_be_visible()
    picture(visitor, "customer-invoice")
    address = visitor.get_by_role("link", name="PDF").get_attribute("href")
    assert visitor.request.get(f"{house.panel}{address}").body().startswith(b"%PDF")

    # Suspended: the panel is closed, the site says so, mail logins are refused. Resumed: all is back.
    admin.goto(f"{house.panel}/admin/accounts/")
    admin.get_by_role("link", name="ada", exact=True).first.click()
    admin.get_by_role("link", name="Suspend the account").click()
    admin.get_by_label("Reason").fill("The rent of the server is open")
    admin.get_by_role("button", name="Suspend").click()
    expect(admin.get_by_text("All done")).to_be_visible(timeout=30_000)
    visitor.goto(f"{house.panel}/cp/")
    expect(visitor.get_by_text("The rent of the server is open")).to_be_visible()
    picture(visitor, "customer-suspended")
    wait_for(lambda: "suspended" in site(house, name).text.lower(), 10, "the suspended page")
    with pytest.raises(poplib.error_proto):
        mail.read_pop3(house.port("pop3"), box, BOX_PASSWORD)
    with pytest.raises(imaplib.IMAP4.error):
        mail.read_imap(house.port("imap"), box, BOX_PASSWORD)
    admin.get_by_role("link", name="To the account").click()
    admin.get_by_role("button", name="Resume the account").click()
    expect(admin.get_by_text("All done")).to_be_visible(timeout=30_000)
    wait_for(lambda: site(house, name).status_code == 200, 10, "the site again")
    assert "The first letter" in mail.read_pop3(house.port("pop3"), box, BOX_PASSWORD)
    assert "The first letter" in mail.read_imap(house.port("imap"), box, BOX_PASSWORD)


def test_a_visitor_pays_by_card_and_watches_it_come_alive(
    house: RunningHouse, admin: Page, page_for, picture
):
    visitor = page_for("phone")
    walk_the_wizard(
        visitor, house, login="cato", payment="Card: Test gateway (no real money)", picture=picture
    )
    visitor.get_by_role("button", name="Order and pay").click()
    visitor.get_by_label("Card number").fill("4000 0000 0000 9995")
    picture(visitor, "gateway-page")
    visitor.get_by_role("button", name="Pay").click()
    expect(visitor.get_by_text("insufficient funds")).to_be_visible()
    visitor.get_by_role("link", name="Try again").click()
    visitor.get_by_role("button", name="Order and pay").click()
    visitor.get_by_label("Card number").fill("4242 4242 4242 4242")
    visitor.get_by_role("button", name="Pay").click()
    expect(visitor.get_by_text("All done")).to_be_visible(timeout=30_000)
    picture(visitor, "account-live")
    visitor.goto(f"{house.panel}/cp/billing/")
    wait_for(lambda: visitor.reload() and visitor.get_by_text("Paid").first.is_visible(), 15, "the charge")
    assert "cato.heliosphere.test" in ask(house, "cato.heliosphere.test", "A")
