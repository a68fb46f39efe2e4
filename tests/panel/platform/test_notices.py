"""Notices: written with the change, sent once, tried again when the mail server is away."""

from __future__ import annotations

from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from heliosphere.panel.platform.jobs.models import Job
from heliosphere.panel.platform.models import Notice
from heliosphere.panel.platform.notices import NoticeJob, send
from tests.panel.conftest import NOW, House, open_customer, run_all_jobs


def test_a_new_customer_is_welcomed_once(house: House):
    open_customer(house)
    run_all_jobs()
    (letter,) = mail.outbox
    assert letter.to == ["anna@mail.test"]
    assert letter.subject == "Your account at Sun Hosting is open"
    assert "Sign in as anna" in letter.body
    send(NoticeJob(Notice.everything.get().pk), NOW)
    assert len(mail.outbox) == 1


def test_no_mail_server_means_later_not_never(house: House, monkeypatch):
    def away(*args):
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(EmailBackend, "send_messages", away)
    open_customer(house)
    run_all_jobs()
    job = Job.everything.get(kind="notice.send")
    assert (job.state, job.code) == ("queued", "mail-down")
    assert job.run_at > NOW
