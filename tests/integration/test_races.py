"""Many at once on one database: jobs are taken once and in order, limits hold, numbers have no gaps."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest

from tests.integration import races
from tests.integration.children import Child, call

pytestmark = pytest.mark.integration


def test_many_workers_take_every_job_once_and_keep_the_order_of_each_object(database: str) -> None:
    call(database, races.queue_many, 12, 12)
    workers = [Child(database, races.take_all, f"w{number}") for number in range(4)]
    held = sorted(job for worker in workers for job in worker.result(100))

    assert len({job for job, *_ in held}) == len(held) == 144
    assert call(database, races.tries_of_all) == [1] * 144
    by_object = sorted(held, key=lambda job: (job[1], job[2]))
    for _, jobs in groupby(by_object, key=lambda job: job[1]):
        for (first, _, _, until), (second, _, since, _) in pairwise(jobs):
            assert first < second, "order of an object"
            assert until <= since, "two jobs of one object at the same time"


def test_the_limit_of_a_plan_holds_when_many_want_the_last_units(database: str) -> None:
    got, held, trouble = call(database, races.hold_at_once, 10)
    assert (got, held, trouble) == (4, 4, [])


def test_invoice_numbers_have_no_gaps_though_some_are_taken_back(database: str) -> None:
    numbers, trouble = call(database, races.invoice_at_once, 12)
    assert trouble == []
    assert numbers == list(range(numbers[0], numbers[0] + 9)), "the signup's own, and eight of the twelve"


def test_a_signup_sent_many_times_at_once_opens_one_account(database: str) -> None:
    logins, accounts, invoices, trouble = call(database, races.submit_at_once, 8)
    assert trouble == []
    assert (logins, accounts) == (1, 1)
    assert invoices <= 1
