"""What is thrown away, and what never is; limits that hold and are forgiven."""

from __future__ import annotations

from datetime import timedelta

import pytest

from heliosphere.panel.platform import limits
from heliosphere.panel.platform.housekeeping import forget
from heliosphere.panel.platform.jobs.models import Job
from heliosphere.panel.platform.models import IdempotencyRecord, PeriodicRun
from heliosphere.panel.platform.periodic import PERIODIC_JOBS, run_due
from heliosphere.panel.signup import services as signup
from heliosphere.panel.signup.models import SignupRequest
from tests.panel.conftest import NOW, House, open_customer, run_all_jobs

LATER = NOW + timedelta(days=100)


def test_done_jobs_go_after_a_while_and_failed_ones_stay(house: House):
    open_customer(house)
    run_all_jobs()
    stuck = Job.everything.first()
    Job.everything.filter(pk=stuck.pk).update(state="failed")
    IdempotencyRecord.objects.create(owner="o", key="k", request_hash="h", created_at=NOW)
    forget(LATER)
    assert [job.pk for job in Job.everything.all()] == [stuck.pk]
    assert not IdempotencyRecord.objects.exists()


def test_unsent_signups_are_forgotten_and_sent_ones_are_not(house: House):
    draft = signup.start(house.plan, by_staff=False, address="", now=NOW)
    sent = signup.start(house.plan, by_staff=False, address="", now=NOW)
    SignupRequest.everything.filter(pk=sent.pk).update(state="moderated")
    signup.forget_drafts(LATER)
    assert not SignupRequest.everything.filter(pk=draft.pk).exists()
    assert SignupRequest.everything.filter(pk=sent.pk).exists()


def test_the_same_act_too_often_is_stopped_for_its_address_only():
    for _ in range(3):
        limits.spend("knock", "192.0.2.1", most=3, seconds=60)
    with pytest.raises(limits.TooOften):
        limits.spend("knock", "192.0.2.1", most=3, seconds=60)
    limits.spend("knock", "192.0.2.2", most=3, seconds=60)


@pytest.mark.django_db
def test_a_periodic_job_runs_once_when_due_and_not_at_the_first_start(monkeypatch):
    ran = []
    job = PERIODIC_JOBS["signup.forget-drafts"]
    monkeypatch.setattr(
        type(job), "run", property(lambda self: lambda now: ran.append(self.name)), raising=False
    )
    monkeypatch.setattr("heliosphere.panel.platform.periodic._next_look", [])
    run_due(NOW)
    assert ran == []
    run_due(NOW + timedelta(days=1))
    run_due(NOW + timedelta(days=1, seconds=10))
    assert ran.count("signup.forget-drafts") == 1
    assert PeriodicRun.objects.get(name="signup.forget-drafts").last_due == NOW + timedelta(days=1)
