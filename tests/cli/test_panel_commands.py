"""The panel's commands for programs around it: a token for the command line, a look at the books."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from heliosphere.panel.billing.models import Invoice, Posting
from heliosphere.panel.platform.jobs.models import Job, JobState
from tests.panel.conftest import NOW, House, house, make_staff, open_customer

__all__ = ["house"]
pytestmark = pytest.mark.django_db


def output_of(*words: str) -> str:
    output = io.StringIO()
    call_command(*words, stdout=output)
    return output.getvalue().strip()


def books() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(output_of("check_books"))
    return document


def test_a_token_of_the_command_line_opens_the_api_within_its_scopes(house: House) -> None:
    make_staff(house.provider, "vera")

    token = output_of("issue_token", "--login", "vera", "--scopes", "read,mail")

    answer = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["scopes"] == ["mail", "read"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--login", "nobody"), "nobody has the login"),
        (("--login", "vera", "--scopes", "fly"), "unknown scope fly"),
        (("--login", "vera", "--scopes", ""), "names none"),
        (("--login", "vera", "--days", "0"), "between 1 and 3650"),
    ],
)
def test_a_token_that_cannot_be_is_refused_with_the_reason(
    house: House, words: tuple[str, ...], said: str
) -> None:
    make_staff(house.provider, "vera")

    with pytest.raises(CommandError, match=said):
        output_of("issue_token", *words)


def test_good_books_have_nothing_wrong(house: House) -> None:
    open_customer(house)

    found = books()

    assert (found["entries"], found["invoices"]) == (1, 1)
    assert (found["entries_wrong"], found["invoices_wrong"]) == ([], [])


def test_a_posting_nobody_balanced_and_a_line_too_many_are_found(house: House) -> None:
    open_customer(house)
    posting = Posting.objects.first()
    assert posting is not None
    Posting.objects.filter(pk=posting.pk).update(amount_minor=posting.amount_minor + 1)
    invoice = Invoice.everything.get()
    invoice.lines.create(  # type: ignore[attr-defined]
        kind="setup", resource="x", description="", units=1, amount_minor=5, begin=NOW.date(), end=NOW.date()
    )

    found = books()

    assert found["entries_wrong"] == [posting.entry_id]
    assert found["invoices_wrong"] == [invoice.number]


def test_jobs_left_undone_are_counted(house: House) -> None:
    open_customer(house)
    Job.everything.update(run_at=NOW + timedelta(days=40_000))
    first, second, third, _ = Job.everything.order_by("pk")
    for job, state in ((first, JobState.FAILED), (second, JobState.DEAD)):
        Job.everything.filter(pk=job.pk).update(state=state)
    Job.everything.filter(pk=third.pk).update(run_at=NOW - timedelta(days=40_000))

    assert books()["jobs"] == {"failed": 1, "dead": 1, "late": 1}
