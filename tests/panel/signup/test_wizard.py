"""The signup wizard below its screens: what is typed, refused, charged and opened, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password

from heliosphere.panel.accounts.models import Account
from heliosphere.panel.billing import cards, ledger
from heliosphere.panel.billing.gateways.base import GATEWAYS, PaymentPage, SessionState
from heliosphere.panel.billing.models import CardPayment, Invoice
from heliosphere.panel.catalog import services as catalog
from heliosphere.panel.platform.errors import Refused, TryLater
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.signup import queries
from heliosphere.panel.signup import services as signup
from tests.panel.conftest import CONTACT, NOW, PASSWORD, PERIODS, TERMS, House, make_plan, run_all_jobs

VISITOR = Principal("visitor", "visitor", address="192.0.2.1")


def fill(house: House, *, login="anna", label="anna", payment="check", plan=None):
    row = signup.start(plan or house.plan, by_staff=False, address="192.0.2.1", now=NOW)
    signup.choose_period(row, row.plan.periods.all()[0].pk)
    signup.choose_domain(row, "third_level" if label else "none", label)
    signup.give_contact(row, CONTACT)
    signup.choose_payment(row, payment)
    signup.choose_login(row, login, make_password(PASSWORD))
    return row


def send(row, shown=None):
    total = signup.preview(row, NOW.date()).total_minor if shown is None else shown
    return signup.submit(row, shown_total=total, return_url="http://panel.test/back/", actor=VISITOR, now=NOW)


class FakeGateway:
    """A gateway that answers as the test sets it, and remembers the keys it was given."""

    name, label = "test", "Test"

    def __init__(self) -> None:
        self.state, self.captured, self.voided, self.down = "open", [], [], False

    def open_page(self, *, key, amount_minor, currency, text, return_url):
        if self.down:
            raise TryLater("no answer", code="gateway-down")
        return PaymentPage("s1", "http://gateway.test/pay/s1")

    def look(self, session):
        return SessionState(
            self.state, payment="p1", brand="visa", last4="4242", message="insufficient funds"
        )

    def capture(self, payment, *, key, amount_minor):
        self.captured.append((payment, key, amount_minor))

    def void(self, payment, *, key):
        self.voided.append(payment)


@pytest.fixture
def gateway(monkeypatch):
    fake = FakeGateway()
    monkeypatch.setattr(GATEWAYS, "_entries", {"test": fake})
    return fake


def test_a_check_signup_waits_for_staff_and_the_approved_account_costs_what_was_shown(house: House):
    row = fill(house)
    shown = signup.preview(row, NOW.date())
    row = send(row)
    assert row.state == "moderated"
    assert not Account.everything.filter(kind="user").exists()
    later = NOW + timedelta(days=3)
    row = signup.approve(row, check_number="4711", amount_minor=None, actor=house.admin, now=later)
    invoice = Invoice.everything.get(account=row.account)
    assert invoice.total_minor == shown.total_minor == 1500
    assert str(invoice.lines.get(kind="recurrent").begin) == "2026-03-04"
    assert ledger.balance_minor(row.account) == 0
    assert invoice.paid_at is not None
    assert row.password_hash == ""


def test_approving_twice_opens_one_account(house: House):
    row = send(fill(house))
    for _ in range(2):
        signup.approve(row, check_number="1", amount_minor=None, actor=house.admin, now=NOW)
    assert Account.everything.filter(kind="user").count() == 1
    assert Invoice.everything.count() == 1


def test_a_double_submit_is_one_signup(house: House):
    row = fill(house)
    first, second = send(row), send(row)
    assert (first.pk, first.state) == (second.pk, second.state)
    assert queries.moderated(house.admin).count() == 1


@pytest.mark.guide("BILL-006")
def test_a_card_is_authorised_first_and_charged_once_after_the_account_is_open(
    house: House, gateway: FakeGateway
):
    row = send(fill(house, payment="card"))
    assert (row.state, row.card_payment.page_url) == ("paying", "http://gateway.test/pay/s1")
    gateway.state = "authorised"
    token = row.card_payment.token
    for _ in range(2):
        row = signup.card_came_back(token, actor=VISITOR, now=NOW)
    assert row.state == "done"
    run_all_jobs()
    assert len(gateway.captured) == 1
    assert ledger.balance_minor(row.account) == 0
    cards.capture(cards.CardJob(row.card_payment_id), NOW)
    assert len(gateway.captured) == 1


def test_a_declined_card_gives_the_draft_back_with_everything_typed(house: House, gateway: FakeGateway):
    row = send(fill(house, payment="card"))
    gateway.state = "declined"
    with pytest.raises(Refused, match="insufficient funds"):
        signup.card_came_back(row.card_payment.token, actor=VISITOR, now=NOW)
    row.refresh_from_db()
    assert (row.state, row.login, row.contact["city"]) == ("draft", "anna", "Hamburg")
    gateway.state = "open"
    assert send(row).state == "paying"


def test_no_answer_from_the_gateway_loses_nothing(house: House, gateway: FakeGateway):
    gateway.down = True
    row = fill(house, payment="card")
    with pytest.raises(TryLater):
        send(row)
    row.refresh_from_db()
    assert row.state == "draft"
    gateway.down = False
    assert send(row).state == "paying"


def test_a_payer_who_closed_the_browser_gets_the_account_all_the_same(house: House, gateway: FakeGateway):
    row = send(fill(house, payment="card"))
    gateway.state = "authorised"
    signup.finish_unattended(NOW + timedelta(minutes=5))
    row.refresh_from_db()
    assert row.state == "done"


def test_a_page_nobody_came_back_from_frees_login_and_domain(house: House, gateway: FakeGateway):
    row = send(fill(house, payment="card"))
    signup.finish_unattended(NOW + timedelta(hours=2))
    row.refresh_from_db()
    assert row.state == "draft"
    assert send(fill(house, payment="check")).state == "moderated"


def test_when_opening_fails_the_paid_request_waits_for_staff(house: House, gateway: FakeGateway):
    from heliosphere.panel.servers.models import LogicalServer

    row = send(fill(house, payment="card"))
    LogicalServer.objects.filter(group__kind="web").update(signup_on=False)
    gateway.state = "authorised"
    row = signup.card_came_back(row.card_payment.token, actor=VISITOR, now=NOW)
    assert row.state == "moderated"
    assert "web" in row.reject_reason
    signup.reject(row, reason="no room", actor=house.admin, now=NOW)
    run_all_jobs()
    assert gateway.voided == ["p1"]
    assert CardPayment.everything.get().state == "voided"


def test_login_and_domain_of_a_waiting_request_are_taken(house: House):
    send(fill(house))
    other = signup.start(house.plan, by_staff=False, address="", now=NOW)
    with pytest.raises(Refused) as login:
        signup.choose_login(other, "Anna", "hash")
    with pytest.raises(Refused) as domain:
        signup.choose_domain(other, "third_level", "anna")
    assert (login.value.code, domain.value.code) == ("login-taken", "domain-waiting")


def test_a_price_that_changed_meanwhile_is_shown_before_it_is_charged(house: House):
    row = fill(house)
    with pytest.raises(Refused) as refused:
        send(row, shown=1)
    assert refused.value.code == "price-changed"
    row.refresh_from_db()
    assert row.state == "draft"


def test_an_unfinished_signup_names_the_step(house: House):
    row = signup.start(house.plan, by_staff=False, address="", now=NOW)
    signup.choose_period(row, house.plan.periods.all()[0].pk)
    with pytest.raises(Refused) as refused:
        send(row, shown=0)
    assert refused.value.field == "domain"


def test_a_plan_without_billing_opens_at_once(house: House):
    plan = make_plan(house.provider, "Free", billing_type="free")
    row = send(fill(house, plan=plan, payment="free"))
    assert row.state == "done"
    assert not Invoice.everything.exists()


@pytest.mark.guide("SIGNUP-007", "SIGNUP-011")
def test_closed_plans_cannot_be_signed_up_for(house: House):
    closed = make_plan(house.provider, "Closed", access="admin")
    with pytest.raises(Refused):
        signup.start(closed, by_staff=False, address="", now=NOW)
    assert signup.start(closed, by_staff=True, address="", now=NOW).state == "draft"
    row = fill(house)
    catalog.set_signup(house.plan, False, actor=house.admin, now=NOW)
    with pytest.raises(Refused) as refused:
        send(row)
    assert refused.value.code == "plan-closed"


def test_every_contact_field_is_checked_at_its_place(house: House):
    row = signup.start(house.plan, by_staff=False, address="", now=NOW)
    with pytest.raises(signup.ContactRefused) as refused:
        signup.give_contact(
            row, CONTACT | {"email": "nobody", "city": "", "country": "QQ", "company": "x" * 500}
        )
    assert sorted(refused.value.problems) == ["city", "company", "country", "email"]


def test_periods_and_terms_used_by_the_plan_are_the_ones_declared(house: House):
    assert [period.unit for period in PERIODS] == [row.unit for row in house.plan.periods.all()]
    assert {terms.type for terms in TERMS} == {row.type for row in house.plan.resources.all()}
