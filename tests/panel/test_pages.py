"""The pages of all doors over HTTP: whom they open for, what they do, and how many queries they take."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import get_resolver

from heliosphere.panel.accounts.models import Account, User
from heliosphere.panel.billing.models import Invoice
from heliosphere.panel.catalog.models import PlanPeriod
from heliosphere.panel.mail.models import Mailbox
from heliosphere.panel.platform.jobs.models import Job, JobGroup
from heliosphere.panel.signup.models import SignupRequest
from tests.panel.conftest import (
    CONTACT,
    PASSWORD,
    House,
    make_provider,
    make_staff,
    open_customer,
    open_second_account,
    run_all_jobs,
)

MOST_QUERIES = 12


def signed_in(login: str) -> Client:
    client = Client()
    client.force_login(
        User.objects.get(login=login), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    return client


@pytest.fixture
def staff(house: House) -> Client:
    return signed_in("admin")


def begin(client: Client, plan_id: int) -> str:
    """The first step; returns the wizard's token."""
    period = PlanPeriod.objects.filter(plan_id=plan_id).order_by("id")[0]
    return client.post(f"/signup/{plan_id}/", {"period": period.pk})["Location"].split("/")[3]


def walk_the_wizard(client: Client, plan_id: int, *, login: str = "berta", label: str = "berta") -> str:
    """Fill in every step; returns the wizard's token."""
    token = begin(client, plan_id)
    steps = {
        "domain": {"kind": "third_level", "label": label, "domain": ""},
        "contact": CONTACT,
        "payment": {"payment_type": "check"},
        "login": {"login": login, "password": PASSWORD, "repeat": PASSWORD},
    }
    for step, data in steps.items():
        answer = client.post(f"/signup/w/{token}/{step}/", data)
        assert answer.status_code == 302, (step, answer.content.decode()[:3000])
    return token


@pytest.mark.guide(
    "SIGNUP-002", "SIGNUP-003", "SIGNUP-005", "SIGNUP-006", "SIGNUP-008", "BILL-002", "BILL-007"
)
def test_a_visitor_signs_up_by_check_and_staff_open_the_account(house: House, staff: Client):
    visitor = Client()
    assert "Basic" in visitor.get("/plans/").content.decode()
    token = walk_the_wizard(visitor, house.plan.pk)
    page = visitor.get(f"/signup/w/{token}/confirm/").content.decode()
    assert "EUR\N{NO-BREAK SPACE}15.00" in page
    assert "1 Mar" in page
    assert "(31 days)" in page
    sent = visitor.post(f"/signup/w/{token}/confirm/", {"shown_total": "1500"}, follow=True)
    assert "with our staff" in sent.content.decode()
    row = SignupRequest.everything.get(token=token)
    assert row.login in staff.get("/admin/signup/moderation/").content.decode()
    opened = staff.post(
        f"/admin/signup/moderation/{row.pk}/", {"approve": "1", "check_number": "77", "amount": "15.00"}
    )
    assert opened.status_code == 302, opened.content.decode()[-3000:]
    run_all_jobs()
    assert "All done" in staff.get(opened["Location"]).content.decode()
    customer = Client()
    answer = customer.post("/accounts/login/", {"login": "berta", "password": PASSWORD})
    assert answer["Location"] == "/"
    assert "Quick access" in customer.get("/", follow=True).content.decode()


def test_a_refused_step_keeps_what_was_typed_and_says_why_at_the_field(house: House):
    visitor = Client()
    token = begin(visitor, house.plan.pk)
    page = visitor.post(f"/signup/w/{token}/domain/", {"kind": "existing", "domain": "not a domain"})
    text = page.content.decode()
    assert "not a domain" in text
    assert "This is not a domain name" in text
    assert 'aria-invalid="true"' in text


def test_all_that_is_wrong_with_a_contact_is_said_at_once(house: House):
    visitor = Client()
    token = begin(visitor, house.plan.pk)
    visitor.post(f"/signup/w/{token}/domain/", {"kind": "none"})
    wrong = CONTACT | {"city": "", "email": "nobody", "company": "x" * 200}
    page = visitor.post(f"/signup/w/{token}/contact/", wrong).content.decode()
    assert "This is not an e-mail address" in page
    assert "This is too long" in page
    assert page.count('aria-invalid="true"') == 3


def test_steps_cannot_be_skipped(house: House):
    visitor = Client()
    token = begin(visitor, house.plan.pk)
    assert visitor.get(f"/signup/w/{token}/confirm/")["Location"].endswith("/domain/")


def test_looking_at_a_plan_leaves_nothing_behind(house: House):
    page = Client().get(f"/signup/{house.plan.pk}/")
    assert "How often do you want to be billed?" in page.content.decode()
    assert not SignupRequest.everything.exists()


def test_a_replayed_confirmation_opens_nothing_new(house: House):
    visitor = Client()
    token = walk_the_wizard(visitor, house.plan.pk)
    for _ in range(3):
        answer = visitor.post(f"/signup/w/{token}/confirm/", {"shown_total": "1500"})
        assert answer["Location"].endswith(f"/{token}/result/")
    assert SignupRequest.everything.filter(state="moderated").count() == 1


@pytest.mark.guide(
    "PLAN-003", "PLAN-004", "PLAN-008", "PLAN-009", "PLAN-010", "PLAN-011", "BILL-008", "BILL-009", "BILL-015"
)
def test_an_administrator_makes_a_plan_with_the_wizard_and_sells_it(house: House, staff: Client):
    staff.get("/admin/plans/create/")
    base = "/admin/plans/wizard/new"
    switched_on = ("account", "web_site", "dns_zone", "mail_domain")
    basics = {"name": "Gold", "description": "All of it", "access": "public", "billing_type": "paid"}
    free = {f"free_{name}": "1" for name in switched_on[1:]}
    steps = {
        "basics": basics | {"credit_limit": "12,50"},
        "resources": {f"{act}_{name}": "on" for act in ("include", "activate") for name in switched_on},
        "prices": free | {"setup_account": "5", "recurrent_account": "9.99", "max_web_site": "3"},
        "periods": {
            "size_0": "1",
            "unit_0": "month",
            "size_1": "1",
            "unit_1": "year",
            "recurrent_discount_1": "12.5",
        },
    }
    for step, data in steps.items():
        answer = staff.post(f"{base}/{step}/", data)
        assert answer.status_code == 302, (step, answer.content.decode()[-4000:])
    assert "9.99" in staff.get(f"{base}/review/").content.decode()
    saved = staff.post(f"{base}/review/")
    page = staff.get(saved["Location"]).content.decode()
    assert "Gold" in page
    assert "12.5" in page
    pk = saved["Location"].rstrip("/").split("/")[-1]
    staff.post(f"/admin/plans/{pk}/signup/", {"on": "1"})
    assert "Gold" in Client().get("/plans/").content.decode()


def test_a_negative_price_is_refused_at_its_field(house: House, staff: Client):
    base = "/admin/plans/wizard/new"
    staff.post(
        f"{base}/basics/", {"name": "X", "access": "public", "billing_type": "paid", "credit_limit": "-1"}
    )
    page = staff.post(
        f"{base}/basics/", {"name": "X", "access": "public", "billing_type": "paid", "credit_limit": "-1"}
    ).content.decode()
    assert "Enter zero or more" in page
    assert 'value="-1"' in page


@pytest.mark.guide("SETUP-020")
def test_an_existing_plan_is_changed_through_the_same_wizard(house: House, staff: Client):
    staff.get(f"/admin/plans/{house.plan.pk}/change/")
    page = staff.get(f"/admin/plans/wizard/{house.plan.pk}/basics/").content.decode()
    assert 'value="Basic"' in page


@pytest.fixture
def customer(house: House) -> Client:
    open_customer(house)
    run_all_jobs()
    return signed_in("anna")


def test_a_customer_adds_a_mailbox_and_sees_it_come_alive(customer: Client):
    domain = Account.everything.get(kind="user").mail_domains.get()
    data = {
        "local": "info",
        "password": PASSWORD,
        "repeat": PASSWORD,
        "quota_mb": "100",
        "comment": "front desk",
    }
    answer = customer.post(f"/cp/mail/domains/{domain.pk}/add/", data)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    assert "Being set up" in customer.get("/cp/mail/").content.decode()
    run_all_jobs()
    assert "Live" in customer.get("/cp/mail/").content.decode()
    again = customer.post(f"/cp/mail/domains/{domain.pk}/add/", data).content.decode()
    assert "There is a mailbox info@anna.sun.test already" in again
    assert Mailbox.everything.get().password_hash.startswith("$6$")


def test_all_that_is_wrong_with_a_mailbox_is_said_at_once(customer: Client):
    domain = Account.everything.get(kind="user").mail_domains.get()
    data = {"local": "info", "password": "info", "repeat": "info", "quota_mb": "-1"}
    page = customer.post(f"/cp/mail/domains/{domain.pk}/add/", data).content.decode()
    assert "Use at least 10 characters" in page
    assert page.count('aria-invalid="true"') == 2


@pytest.mark.guide("BILL-003")
def test_mailboxes_over_the_free_ones_are_charged_and_the_limit_holds(customer: Client):
    domain = Account.everything.get(kind="user").mail_domains.get()
    for place in range(5):
        data = {"local": f"box{place}", "password": PASSWORD, "repeat": PASSWORD, "quota_mb": "0"}
        page = customer.post(f"/cp/mail/domains/{domain.pk}/add/", data)
    assert "your plan allows 4" in page.content.decode()
    assert Mailbox.everything.count() == 4
    extra = Invoice.everything.exclude(number=1)
    assert [row.total_minor for row in extra] == [100, 100] or all(
        0 < row.total_minor <= 100 for row in extra
    )


def test_a_suspended_customer_sees_why_and_still_the_invoices(house: House, customer: Client, staff: Client):
    account = Account.everything.get(kind="user")
    staff.post(f"/admin/accounts/{account.pk}/suspend/", {"reason": "two unpaid invoices"})
    page = customer.get("/cp/")
    assert page.status_code == 403
    assert "two unpaid invoices" in page.content.decode()
    assert customer.get("/cp/billing/").status_code == 200
    staff.post(f"/admin/accounts/{account.pk}/resume/")
    assert customer.get("/cp/").status_code == 200


def test_an_invoice_is_a_page_and_a_pdf(customer: Client):
    row = Invoice.everything.get()
    assert "EUR\N{NO-BREAK SPACE}15.00" in customer.get(f"/invoices/{row.pk}/").content.decode()
    assert customer.get(f"/invoices/{row.pk}/pdf/").content.startswith(b"%PDF")


def test_company_payment_and_tax_settings_are_saved(house: House, staff: Client):
    staff.post("/admin/settings/taxes/", {"description": "VAT", "rate": "19", "country": "de", "inside": "1"})
    assert "19 %" in staff.get("/admin/settings/taxes/").content.decode()
    staff.post("/admin/settings/payment/", {"accept_cards": "on"})
    house.provider.refresh_from_db()
    assert (house.provider.accept_cards, house.provider.accept_checks) == (True, False)
    staff.post("/admin/company/", {"name": "Sun & Co", "address": "Street 1", "email": "a@sun.test"})
    house.provider.refresh_from_db()
    assert house.provider.name == "Sun & Co"


@pytest.mark.guide("SETUP-008")
def test_the_checklist_has_the_steps_in_order_and_says_which_are_done(staff: Client):
    page = staff.get("/admin/").content.decode()
    titles = [
        "Disable what you never offer",
        "Connect a domain registrar",
        "Choose who is notified",
        "Set up payment",
        "Create a plan",
        "Offer billing periods",
        "Open the support center",
        "Give it your name and look",
    ]
    places = [page.index(title) for title in titles]
    assert places == sorted(places)
    assert "Comes later" in page
    assert "/admin/plans/" in page


STAFF_PAGES = (
    "/admin/", "/admin/accounts/", "/admin/accounts/{account}/", "/admin/accounts/{account}/suspend/",
    "/admin/accounts/{account}/payment/", "/admin/jobs/", "/admin/plans/", "/admin/plans/{plan}/",
    "/admin/company/",
    "/admin/plans/{plan}/delete/", "/admin/signup/", "/admin/signup/links/", "/admin/signup/moderation/",
    "/admin/settings/payment/", "/admin/settings/taxes/", "/admin/plans/wizard/new/basics/",
    "/admin/servers/physical/", "/admin/servers/logical/",
)  # fmt: skip
CUSTOMER_PAGES = (
    "/me/tokens/", "/cp/", "/cp/mail/", "/cp/domains/", "/cp/billing/", "/invoices/{invoice}/",
    "/jobs/group/{group}/", "/jobs/{job}/",
)  # fmt: skip


def addresses(pages) -> list[str]:
    account = Account.everything.get(kind="user")
    facts = {
        "account": account.pk,
        "plan": account.plan_id,
        "invoice": Invoice.everything.get().pk,
        "group": JobGroup.everything.first().pk,
        "job": Job.everything.filter(account_id=account.pk).first().pk,
    }
    return [page.format(**facts) for page in pages]


def test_no_page_takes_more_than_twelve_queries(customer, staff, django_assert_max_num_queries):
    for client, pages in ((staff, STAFF_PAGES), (customer, CUSTOMER_PAGES), (Client(), ("/plans/",))):
        for address in addresses(pages):
            with django_assert_max_num_queries(MOST_QUERIES):
                answer = client.get(address)
            assert answer.status_code == 200, address


def test_nobody_sees_what_is_not_theirs(house: House, customer: Client, staff: Client):
    moon = make_provider("Moon", parent=house.provider, zone="moon.test")
    make_staff(moon, "moonadmin")
    staff_pages, customer_pages = addresses(STAFF_PAGES), addresses(CUSTOMER_PAGES)
    open_customer(house, login="carl", domain="carl.sun.test")
    reseller, neighbour = signed_in("moonadmin"), signed_in("carl")
    for address in staff_pages:
        assert customer.get(address).status_code == 403, address
        assert Client().get(address).status_code == 302, address
        if any(name in address for name in ("/accounts/", "/plans/1")) and address.count("/") > 3:
            assert reseller.get(address).status_code == 404, address
    for address in customer_pages:
        if any(char.isdigit() for char in address):
            assert neighbour.get(address).status_code == 404, address
            assert reseller.get(address).status_code == 404, address
        assert Client().get(address).status_code == 302, address


@pytest.mark.guide("ACCT-003", "ACCT-004", "ACCT-005", "ACCT-012")
def test_a_user_with_two_accounts_switches_without_signing_in_again(house: House, customer: Client):
    first = Account.everything.get(kind="user")
    second = open_second_account(house, first)
    page = customer.get("/cp/").content.decode()
    assert f"#{first.pk}" in page
    customer.post("/cp/switch/", {"account": second.pk})
    assert "shop.sun.test" in customer.get("/cp/").content.decode()
    customer.post("/cp/switch/", {"account": first.pk})
    assert "anna.sun.test" in customer.get("/cp/").content.decode()
    stranger = open_customer(house, login="carl", domain="carl.sun.test")
    assert customer.post("/cp/switch/", {"account": stranger.pk}).status_code == 404


@pytest.mark.guide("SETUP-035", "SETUP-049")
def test_checks_are_offered_at_signup_only_while_they_are_accepted(house: House, staff: Client):
    token = walk_the_wizard(Client(), house.plan.pk)
    assert "Check" in Client().get(f"/signup/w/{token}/payment/").content.decode()
    staff.post("/admin/settings/payment/", {"accept_cards": "on"})
    assert 'value="check"' not in Client().get(f"/signup/w/{token}/payment/").content.decode()


def test_a_person_makes_a_token_sees_it_once_and_revokes_it(customer: Client):
    made = customer.post("/me/tokens/", {"name": "backup", "scopes": ["read"], "days": "30"}).content.decode()
    token = made.split("<code")[1].split(">")[1].split("<")[0]
    api = Client(headers={"authorization": f"Bearer {token}"})
    assert api.get("/api/v1/me").json()["role"] == "customer"
    page = customer.get("/me/tokens/").content.decode()
    assert token not in page
    revoke = page.split('action="/me/tokens/')[1].split('"')[0]
    customer.post(f"/me/tokens/{revoke}")
    assert api.get("/api/v1/me").status_code == 401


PUBLIC_VIEWS = {"plan_list", "start", "step", "paid", "result", "home", "alive", "openapi", "docs"}


def test_every_view_of_ours_stands_behind_a_door_or_is_public_on_purpose():
    def walk(patterns):
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern.callback

    for view in walk(get_resolver().url_patterns):
        if (
            not view.__module__.startswith("heliosphere.panel.")
            or ".look." in view.__module__
            or ".api." in view.__module__
        ):
            continue
        target = getattr(view, "view_class", view)
        doors = getattr(view, "door", "") or getattr(getattr(target, "dispatch", None), "door", "")
        assert doors or view.__name__ in PUBLIC_VIEWS, view
