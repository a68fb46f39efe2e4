"""Opening, suspending and resuming an account, as rows, money and jobs."""

from __future__ import annotations

import pytest

from heliosphere.panel.accounts.models import Account
from heliosphere.panel.billing import ledger
from heliosphere.panel.billing.models import Invoice
from heliosphere.panel.dns.models import Zone
from heliosphere.panel.hosting import services as hosting
from heliosphere.panel.mail.models import MailDomain
from heliosphere.panel.platform.errors import NotYours, Refused
from heliosphere.panel.platform.jobs.models import Job
from heliosphere.panel.platform.models import Event
from heliosphere.panel.web.models import Site
from tests.panel.conftest import NOW, SYSTEM, House, make_provider, make_staff, open_customer, run_all_jobs


@pytest.mark.guide("ACCT-009", "ACCT-011")
def test_an_account_opens_with_services_bill_and_jobs_in_one_go(house: House):
    account = open_customer(house)
    invoice = Invoice.everything.get(account=account)
    assert (invoice.number, invoice.total_minor) == (1, 1500)
    assert ledger.balance_minor(account) == -1500
    assert ledger.unbalanced_entries() == []
    assert sorted(Job.everything.values_list("kind", flat=True)) == [
        "dns_zone.apply",
        "mail_domain.apply",
        "notice.send",
        "web_site.apply",
    ]
    assert str(account.period_end) == "2026-04-01"


def test_services_are_live_once_the_node_says_so(house: House):
    account = open_customer(house)
    assert {Site.everything.get().reality, Zone.everything.get().reality} == {"pending"}
    run_all_jobs()
    for model in (Site, Zone, MailDomain):
        assert model.everything.get(account=account).reality == "live"


def test_the_zone_has_what_web_and_mail_need(house: House):
    open_customer(house)
    node = run_all_jobs()
    zone = next(envelope.spec for envelope in node.seen if envelope.kind == "dns_zone.apply")
    found = {(record.name, record.type): record.values for record in zone.records}
    assert found["anna.sun.test.", "A"] == ("127.0.0.1",)
    assert found["anna.sun.test.", "MX"] == ("10 mail1.sun.test.",)
    assert found["anna.sun.test.", "TXT"] == ('"v=spf1 mx a ip4:127.0.0.1 ~all"',)
    assert zone.nameservers == ("ns1.sun.test.", "ns2.sun.test.")


def test_suspending_closes_site_and_mail_and_resuming_gives_them_back(house: House):
    account = open_customer(house)
    run_all_jobs()
    hosting.suspend_account(account, reason="unpaid", agent="admin", actor=house.admin, now=NOW)
    specs = {envelope.kind: envelope.spec for envelope in run_all_jobs().seen}
    assert specs["web_site.apply"].state == "suspended"
    assert specs["mail_domain.apply"].suspended is True
    hosting.resume_account(account, agent="admin", actor=house.admin, now=NOW)
    specs = {envelope.kind: envelope.spec for envelope in run_all_jobs().seen}
    assert (specs["web_site.apply"].state, specs["mail_domain.apply"].suspended) == ("live", False)
    assert [event.name for event in Event.everything.filter(subject_kind="accounts.account").order_by("id")][
        -2:
    ] == [
        "account.suspended",
        "account.resumed",
    ]


def test_a_suspension_needs_a_reason_and_is_not_made_twice(house: House):
    account = open_customer(house)
    with pytest.raises(Refused) as refused:
        hosting.suspend_account(account, reason="  ", agent="admin", actor=house.admin, now=NOW)
    assert refused.value.field == "reason"
    hosting.suspend_account(account, reason="abuse", agent="admin", actor=house.admin, now=NOW)
    with pytest.raises(Refused):
        hosting.suspend_account(account, reason="abuse", agent="admin", actor=house.admin, now=NOW)


def test_a_reseller_may_not_end_what_the_owner_suspended(house: House):
    account = open_customer(house)
    hosting.suspend_account(account, reason="abuse", agent="admin", actor=house.admin, now=NOW)
    with pytest.raises(Refused):
        hosting.resume_account(account, agent="reseller", actor=house.admin, now=NOW)


def test_staff_of_another_provider_do_not_even_see_the_account(house: House):
    account = open_customer(house)
    moon = make_provider("Moon", parent=house.provider, zone="moon.test")
    stranger = make_staff(moon, "moonadmin")
    assert not Account.objects.of(stranger).filter(pk=account.pk).exists()
    with pytest.raises(NotYours):
        hosting.suspend_account(account, reason="mine now", agent="reseller", actor=stranger, now=NOW)


def test_a_failed_opening_leaves_nothing_behind(house: House):
    from heliosphere.panel.servers.models import LogicalServer

    LogicalServer.objects.filter(group__kind="mail").update(signup_on=False)
    with pytest.raises(Exception, match="mail server"):
        open_customer(house)
    assert not Account.objects.of(SYSTEM).filter(kind="user").exists()
    assert not Job.everything.exists()
    assert not Invoice.everything.exists()
