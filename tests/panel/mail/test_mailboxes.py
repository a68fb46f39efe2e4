"""Mailboxes below their screens: names, passwords, charges, removal, suspension."""

from __future__ import annotations

import crypt
from datetime import timedelta

import pytest

from heliosphere.contracts.jobs import JobOutcome
from heliosphere.panel.billing import ledger
from heliosphere.panel.billing.models import Invoice
from heliosphere.panel.catalog.queries import units_held
from heliosphere.panel.hosting import services as hosting
from heliosphere.panel.mail import services as mail
from heliosphere.panel.mail.models import Mailbox
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.jobs.models import Job
from tests.panel.conftest import NOW, PASSWORD, House, open_customer, run_all_jobs

pytestmark = pytest.mark.filterwarnings("ignore:'crypt' is deprecated")


@pytest.fixture
def domain(house: House):
    account = open_customer(house)
    run_all_jobs()
    return account.mail_domains.get()


def box(house: House, domain, local: str = "info", **changes):
    wanted = {"password": PASSWORD, "quota_mb": 10, "comment": ""} | changes
    return mail.open_mailbox(domain, local=local, actor=house.admin, now=NOW, **wanted)


def test_only_a_hash_that_mail_servers_read_leaves_the_panel(house: House, domain):
    box(house, domain)
    spec = run_all_jobs().seen[-1].spec
    assert spec.address == "info@anna.sun.test"
    assert spec.quota_bytes == 10 * 1024 * 1024
    assert crypt.crypt(PASSWORD, spec.password_hash) == spec.password_hash
    assert PASSWORD not in Job.everything.latest("id").spec


@pytest.mark.parametrize(
    ("local", "code"),
    [
        ("", "mailbox-empty"),
        (".a..b", "mailbox-syntax"),
        ("a@b", "mailbox-syntax"),
        ("x" * 65, "mailbox-too-long"),
        (".a", "mailbox-syntax"),
        (".a...b", "mailbox-syntax"),
        ("../up", "mailbox-syntax"),
        ("postmaster", "mailbox-exists"),
    ],
)
def test_a_name_that_cannot_be_is_refused_at_its_field(house: House, domain, local, code):
    with pytest.raises(Refused) as refused:
        box(house, domain, local)
    assert (refused.value.code, refused.value.field) == (code, "local")
    assert not Mailbox.everything.exists()


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password-short"),
        ("info-info-info", "password-has-name"),
        ("tabs\tin the mid", "password-control"),
    ],
)
def test_a_weak_password_is_refused(house: House, domain, password, code):
    with pytest.raises(Refused) as refused:
        box(house, domain, password=password)
    assert (refused.value.code, refused.value.field) == (code, "password")


def test_units_over_the_free_ones_are_charged_for_the_days_left(house: House, domain):
    account = domain.account
    later = NOW + timedelta(days=16)
    for local in ("a1", "a2"):
        box(house, domain, local)
    assert Invoice.everything.count() == 1
    mail.open_mailbox(domain, local="a3", password=PASSWORD, quota_mb=0, actor=house.admin, now=later)
    extra = Invoice.everything.latest("number")
    assert extra.subtotal_minor == round(100 * 15 / 31)
    assert ledger.balance_minor(account) == -1500 - extra.total_minor


def test_beyond_the_credit_limit_nothing_is_bought_and_nothing_is_left_behind(house: House, domain):
    account = domain.account
    type(account).everything.filter(pk=account.pk).update(credit_limit_minor=1500)
    for local in ("a1", "a2"):
        box(house, domain, local)
    domain.account.refresh_from_db()
    with pytest.raises(Refused) as refused:
        box(house, domain, "a3")
    assert refused.value.code == "credit-limit"
    assert units_held(account, "mailbox") == 2
    assert Mailbox.everything.count() == 2


def test_a_removed_mailbox_is_gone_when_the_server_says_so_and_frees_its_unit(house: House, domain):
    row = box(house, domain)
    run_all_jobs()
    mail.remove_mailbox(row, actor=house.admin, now=NOW)
    mail.remove_mailbox(row, actor=house.admin, now=NOW)
    assert Job.everything.filter(kind="mailbox.remove").count() == 1
    assert Mailbox.everything.get().removing
    run_all_jobs()
    assert not Mailbox.everything.exists()
    assert units_held(domain.account, "mailbox") == 0


def test_a_removal_the_server_refuses_leaves_the_mailbox_marked(house: House, domain):
    class Refusing:
        def run(self, envelope, report, cancelled):
            return JobOutcome(envelope.job_id, envelope.fence, "refused", code="x", message="no")

    row = box(house, domain)
    run_all_jobs()
    mail.remove_mailbox(row, actor=house.admin, now=NOW)
    run_all_jobs(Refusing())
    row.refresh_from_db()
    assert (row.removing, row.reality) == (True, "failed")
    assert units_held(domain.account, "mailbox") == 1


def test_a_mailbox_made_while_suspended_starts_closed(house: House, domain):
    hosting.suspend_account(domain.account, reason="unpaid", agent="admin", actor=house.admin, now=NOW)
    box(house, domain)
    assert run_all_jobs().seen[-1].spec.suspended is True


def test_a_new_password_is_optional_when_a_mailbox_changes(house: House, domain):
    row = box(house, domain)
    before = row.password_hash
    mail.change_mailbox(row, password=None, quota_mb=20, comment="new", actor=house.admin, now=NOW)
    row.refresh_from_db()
    assert (row.password_hash, row.quota_mb) == (before, 20)
    mail.change_mailbox(row, password="another fine one", quota_mb=20, comment="", actor=house.admin, now=NOW)
    row.refresh_from_db()
    assert row.password_hash != before
