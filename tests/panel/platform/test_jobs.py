"""The job table: order, leases, fences, retries, dead letters, cancelling."""

from __future__ import annotations

from datetime import timedelta

import pytest

from heliosphere.contracts.dns_zones import ZoneSpec
from heliosphere.contracts.jobs import JobEvent, JobOutcome
from heliosphere.contracts.mailboxes import MailboxSpec
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.jobs import queue
from heliosphere.panel.platform.jobs.kinds import JOB_KINDS, JobKind
from heliosphere.panel.platform.jobs.models import Job, JobAttempt, JobLog
from heliosphere.panel.platform.jobs.rules import LEASE, retry_delay
from tests.panel.conftest import NOW, SYSTEM

pytestmark = pytest.mark.django_db


def put(key: str = "dns:one.test", at=NOW) -> Job:
    spec = ZoneSpec(key.removeprefix("dns:"), ("ns1.sun.test.",), "hostmaster.sun.test.", ())
    return queue.queue_job(
        "dns_zone.apply", spec, title=f"Zone {key}", node="local", object_key=key, actor=SYSTEM, now=at
    )


def end(envelope, status, **more):
    return queue.finish(JobOutcome(envelope.job_id, envelope.fence, status, **more), NOW)


def test_jobs_of_one_object_run_one_at_a_time_in_order():
    first, second, other = put(), put(), put("dns:two.test")
    one = queue.claim("w", NOW)
    two = queue.claim("w", NOW)
    assert (one.job_id, two.job_id) == (first.pk, other.pk)
    assert queue.claim("w", NOW) is None
    end(one, "done")
    assert queue.claim("w", NOW).job_id == second.pk


def test_a_silent_worker_loses_its_job_and_is_not_heard_any_more():
    job = put()
    lost = queue.claim("w1", NOW)
    later = NOW + LEASE + timedelta(seconds=1)
    assert queue.recover_lost(later) == 1
    again = queue.claim("w2", later + timedelta(seconds=2))
    assert again.fence > lost.fence
    assert end(lost, "done") is None
    queue.note(JobEvent(job.pk, lost.fence, "from the grave"), later)
    assert not JobLog.objects.filter(text="from the grave").exists()
    assert end(again, "done").state == "done"


def test_a_renewed_lease_is_kept():
    put()
    held = queue.claim("w", NOW)
    assert queue.keep([held.fence], NOW + LEASE) == {held.fence: False}
    assert queue.recover_lost(NOW + LEASE + timedelta(seconds=5)) == 0


def test_trouble_in_the_world_is_tried_again_later_and_ends_in_the_dead_letters():
    job = put()
    at = NOW
    for attempt in range(1, 11):
        held = queue.claim("w", at)
        queue.finish(JobOutcome(held.job_id, held.fence, "try_later", message="down"), at)
        job.refresh_from_db()
        if attempt < 10:
            assert job.state == "queued"
            assert job.run_at == at + retry_delay(attempt)
            at = job.run_at
    assert job.state == "dead"
    assert JobAttempt.objects.filter(job=job).count() == 10
    queue.retry(job, actor=SYSTEM, now=at)
    assert queue.claim("w", at).job_id == job.pk


def test_a_refused_job_waits_for_a_person_with_advice():
    job = put()
    end(queue.claim("w", NOW), "refused", code="bad-name", message="no such name", advice="change the name")
    job.refresh_from_db()
    assert (job.state, job.advice) == ("failed", "change the name")
    assert queue.claim("w", NOW + timedelta(days=1)) is None


def test_an_old_failed_job_is_not_retried_over_newer_work():
    old, new = put(), put()
    end(queue.claim("w", NOW), "refused", message="no")
    end(queue.claim("w", NOW), "done")
    with pytest.raises(Refused):
        queue.retry(old, actor=SYSTEM, now=NOW)
    with pytest.raises(Refused):
        queue.retry(new, actor=SYSTEM, now=NOW)


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_is_asked_to_stop():
    queued, running = put("dns:a.test"), put("dns:b.test")
    queue.cancel(queued, actor=SYSTEM, now=NOW)
    held = queue.claim("w", NOW)
    assert held.job_id == running.pk
    queue.cancel(running, actor=SYSTEM, now=NOW)
    assert queue.cancel_asked(running.pk, held.fence)
    assert queue.keep([held.fence], NOW) == {held.fence: True}
    assert end(held, "cancelled").state == "cancelled"


def test_the_live_log_moves_the_progress_bar():
    job = put()
    held = queue.claim("w", NOW)
    queue.note(JobEvent(job.pk, held.fence, "zone made", step=1, steps=3), NOW)
    job.refresh_from_db()
    assert (job.step, job.steps) == (1, 3)
    assert [row.text for row in job.log.all()] == ["zone made"]


def test_the_same_outcome_told_twice_counts_once():
    put()
    held = queue.claim("w", NOW)
    assert end(held, "done") is not None
    assert end(held, "done") is None
    assert end(held, "crashed") is None


def put_mailbox(address: str) -> Job:
    """All mail of a domain shares one key."""
    spec = MailboxSpec(address, "$6$x", 0)
    return queue.queue_job(
        "mailbox.apply",
        spec,
        title=address,
        node="local",
        object_key="mail:one.test",
        actor=SYSTEM,
        now=NOW,
    )


def test_a_failed_mailbox_is_tried_again_though_another_of_its_domain_came_later():
    failed, _, again = put_mailbox("a@one.test"), put_mailbox("b@one.test"), put_mailbox("c@one.test")
    end(queue.claim("w", NOW), "refused", message="no")
    end(queue.claim("w", NOW), "done")
    end(queue.claim("w", NOW), "refused", message="no")
    put_mailbox("c@one.test")
    queue.retry(failed, actor=SYSTEM, now=NOW)
    with pytest.raises(Refused):
        queue.retry(again, actor=SYSTEM, now=NOW)


def test_a_job_of_a_kind_that_is_gone_fails_with_words_and_stands_in_nobodys_way():
    gone, other = put(), put()
    Job.everything.filter(pk=gone.pk).update(kind="fax_line.apply")
    unreadable = put("dns:two.test")
    Job.everything.filter(pk=unreadable.pk).update(spec="{}")
    assert queue.claim("w", NOW).job_id == other.pk
    assert queue.claim("w", NOW) is None
    gone.refresh_from_db()
    unreadable.refresh_from_db()
    assert (gone.state, gone.attempts, gone.may_retry) == ("failed", 0, True)
    assert "fax_line.apply" in gone.message
    assert gone.advice
    assert unreadable.state == "failed"


def test_a_running_job_whose_kind_is_gone_can_still_end_and_be_cancelled():
    _running, queued = put(), put("dns:two.test")
    held = queue.claim("w", NOW)
    Job.everything.all().update(kind="fax_line.apply")
    assert end(held, "done").state == "done"
    queue.cancel(queued, actor=SYSTEM, now=NOW)
    queued.refresh_from_db()
    assert queued.state == "cancelled"


def test_when_the_panels_own_part_fails_the_job_is_tried_again_and_given_up_in_the_end(monkeypatch):
    def broken(job, spec, outcome, now):
        Job.everything.filter(pk=job.pk).update(title="half written")
        raise ValueError("a bug")

    monkeypatch.setitem(
        JOB_KINDS._entries, "dns_zone.apply", JobKind("dns_zone.apply", "Zone", on_end=broken)
    )
    job = put()
    Job.everything.filter(pk=job.pk).update(max_attempts=2)
    assert end(queue.claim("w", NOW), "done").state == "queued"
    job.refresh_from_db()
    assert (job.title, job.code) == ("Zone dns:one.test", "end-failed")
    assert "ValueError" in job.message
    assert end(queue.claim("w", NOW + timedelta(minutes=1)), "done").state == "dead"
    job.refresh_from_db()
    assert (job.title, job.attempts, job.may_retry) == ("Zone dns:one.test", 2, True)


def test_a_lost_job_is_given_back_though_the_panels_own_part_fails(monkeypatch):
    def broken(*_):
        raise ValueError("a bug")

    monkeypatch.setitem(
        JOB_KINDS._entries, "dns_zone.apply", JobKind("dns_zone.apply", "Zone", on_end=broken)
    )
    job = put()
    Job.everything.filter(pk=job.pk).update(max_attempts=1)
    queue.claim("w", NOW)
    assert queue.recover_lost(NOW + LEASE * 2) == 1
    job.refresh_from_db()
    assert job.state == "dead"


def test_a_lease_renewed_at_the_last_moment_is_not_taken(monkeypatch):
    put()
    held = queue.claim("w", NOW)
    real = queue._finish

    def renewed_first(*words, **named):
        queue.keep([held.fence], NOW + LEASE * 2)
        return real(*words, **named)

    monkeypatch.setattr(queue, "_finish", renewed_first)
    assert queue.recover_lost(NOW + LEASE * 2) == 0


def test_a_job_that_could_not_be_sent_waits_without_using_up_a_try():
    job = put()
    for at in (NOW, NOW + timedelta(seconds=5)):
        queue.give_back(queue.claim("w", at), at)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.tries.count()) == ("queued", 0, 0)
    assert [row.text for row in job.log.all()] == [
        "The message broker does not answer. The job waits for it."
    ]


def test_a_job_runs_alone_on_its_object_though_an_earlier_one_is_tried_again():
    early, late = put(), put()
    end(queue.claim("w", NOW), "refused", message="no")
    assert queue.claim("w", NOW).job_id == late.pk
    Job.everything.filter(pk=early.pk).update(state="queued")
    assert queue.claim("w", NOW) is None
