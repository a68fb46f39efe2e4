"""Mailboxes of one domain are set up in order; each is live as soon as its own job is done."""

from __future__ import annotations

from heliosphere.panel.mail import services as mail
from heliosphere.panel.mail.models import Mailbox
from tests.panel.conftest import NOW, PASSWORD, House, open_customer, run_all_jobs


def test_several_mailboxes_queued_at_once_all_become_live(house: House):
    row = open_customer(house).mail_domains.get()
    for local in ("info", "orders"):
        mail.open_mailbox(row, local=local, password=PASSWORD, quota_mb=0, actor=house.admin, now=NOW)
    run_all_jobs()
    assert set(Mailbox.everything.values_list("local", "reality")) == {("info", "live"), ("orders", "live")}
