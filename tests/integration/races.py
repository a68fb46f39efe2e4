"""What many processes and threads do at the same moment in test_races.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.integration import work

# ruff: noqa: I001
from django.db import connection, transaction

from heliosphere.contracts.jobs import JobOutcome
from heliosphere.panel.accounts.models import Account, User
from heliosphere.panel.billing import services as billing
from heliosphere.panel.billing.models import Invoice
from heliosphere.panel.catalog import services as catalog
from heliosphere.panel.catalog.models import ResourceUse
from heliosphere.panel.catalog.rules import ResourceTerms
from heliosphere.panel.hosting import charges
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.jobs import queue
from heliosphere.panel.platform.jobs.models import Job, JobAttempt
from heliosphere.panel.signup import services as signup
from heliosphere.panel.signup.models import SignupRequest
from tests.panel.conftest import CONTACT, NOW, SYSTEM, open_customer

Held = tuple[int, str, int, int]


def queue_many(objects: int, each: int) -> None:
    for number in range(each):
        for thing in range(objects):
            work.put(f"n{number}.test", key=f"thing{thing}")


def take_all(name: str) -> list[Held]:
    """Claim and end jobs until none is open: what was held, from when to when (machine's nanoseconds)."""
    held = []
    while Job.everything.filter(state__in=("queued", "running")).exists():
        envelope = queue.claim(name, NOW)
        if envelope is None:
            time.sleep(0.002)
            continue
        since = time.monotonic_ns()
        time.sleep(0.001)
        until = time.monotonic_ns()
        queue.finish(JobOutcome(envelope.job_id, envelope.fence, "done"), NOW)
        held.append((envelope.job_id, envelope.object_key, since, until))
    return held


def tries_of_all() -> list[int]:
    return [JobAttempt.objects.filter(job=job).count() for job in Job.everything.all()]


def in_threads(count: int, act: Callable[[int], Any]) -> list[Any]:
    """`act(0)`, `act(1)` … let go at the same moment; what each returned or raised."""
    gate, answers = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        gate.wait(10)
        try:
            answers[number] = act(number)
        except Exception as error:
            answers[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def _customer() -> Account:
    open_customer(work.make_house(), domain=None)
    return Account.everything.get(kind="user")


def hold_at_once(threads: int) -> tuple[int, int, list[str]]:
    """All want one mailbox of the four the plan allows: how many got one, what is held, other trouble."""
    account = _customer()
    answers = in_threads(threads, lambda _: catalog.hold_units(account, "mailbox", 1))
    got = [answer for answer in answers if isinstance(answer, int)]
    trouble = [repr(a) for a in answers if not isinstance(a, int) and not isinstance(a, Refused)]
    return len(got), ResourceUse.everything.get(account=account, type="mailbox").units, trouble


class ChangedMyMind(Exception):
    pass


def invoice_at_once(threads: int) -> tuple[list[int], list[str]]:
    """Invoices of several threads, every third of them taken back before its end: the numbers given out."""
    account = _customer()
    document = charges.signup_document(
        account.plan, account.period, with_domain=False, country="DE", today=NOW.date()
    )

    def issue(number: int) -> str:
        try:
            with transaction.atomic():
                billing.issue_invoice(
                    account, document, today=NOW.date(), key=f"k{number}", actor=SYSTEM, now=NOW
                )
                if number % 3 == 0:
                    raise ChangedMyMind
        except ChangedMyMind:
            return "taken back"
        return "issued"

    answers = in_threads(threads, issue)
    trouble = [repr(answer) for answer in answers if not isinstance(answer, str)]
    return sorted(Invoice.everything.values_list("number", flat=True)), trouble


def submit_at_once(threads: int) -> tuple[int, int, int, list[str]]:
    """One free signup, sent by many clicks: logins, accounts, invoices that came of it, and trouble."""
    house = work.make_house()
    plan = work.make_plan(
        house.provider, "Free", resources=tuple(_free(terms) for terms in work.TERMS), billing_type="free"
    )
    row = signup.start(plan, by_staff=False, address="192.0.2.1", now=NOW)
    signup.choose_period(row, plan.periods.all()[0].pk)
    signup.choose_domain(row, "none", "")
    row.contact, row.payment_type = CONTACT, "free"
    row.save()
    signup.choose_login(row, "anna", "x")
    total = signup.preview(row, NOW.date()).total_minor
    assert total == 0

    def send(_: int) -> str:
        mine = SignupRequest.everything.get(pk=row.pk)
        return signup.submit(
            mine, shown_total=total, return_url="http://panel.test/", actor=SYSTEM, now=NOW
        ).state

    answers = in_threads(threads, send)
    accounts = Account.everything.filter(kind="user")
    return (
        User.objects.filter(login="anna").count(),
        accounts.count(),
        Invoice.everything.count(),
        [repr(answer) for answer in answers if not isinstance(answer, str)],
    )


def _free(terms: ResourceTerms) -> ResourceTerms:
    return replace(terms, setup_minor=0, recurrent_minor=0)
