"""heliosphere panel manage check_books: what in the books and the job list needs a look. Prints JSON."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from heliosphere.panel.billing import ledger
from heliosphere.panel.billing.models import Entry, Invoice, InvoiceLine, InvoiceTax
from heliosphere.panel.platform.clock import system_clock
from heliosphere.panel.platform.jobs.models import Job, JobState

LATE = timedelta(minutes=5)
"""A job due for longer than this waits for a worker that does not come."""


class Command(BaseCommand):
    help = "Look for entries that do not balance, invoices that do not add up and jobs that stay undone."

    def handle(self, *args: Any, **options: Any) -> None:
        """`entries` and `invoices` of `*_wrong` are ids and numbers; the job fields are counts."""
        overdue = system_clock() - LATE
        late = Q(state=JobState.QUEUED, run_at__lt=overdue) | Q(
            state=JobState.RUNNING, lease_until__lt=overdue
        )
        jobs = Job.everything.aggregate(
            failed=Count("pk", filter=Q(state=JobState.FAILED)),
            dead=Count("pk", filter=Q(state=JobState.DEAD)),
            late=Count("pk", filter=late),
        )
        document = {
            "entries": Entry.everything.count(),
            "entries_wrong": ledger.unbalanced_entries(),
            "invoices": Invoice.everything.count(),
            "invoices_wrong": invoices_wrong(),
            "jobs": jobs,
        }
        self.stdout.write(json.dumps(document))


def invoices_wrong() -> list[int]:
    """Numbers of invoices whose lines or taxes do not sum to what the invoice says."""
    rows = Invoice.everything.annotate(of_lines=_sum(InvoiceLine), of_taxes=_sum(InvoiceTax))
    wrong = rows.exclude(of_lines=F("subtotal_minor"), of_taxes=F("tax_minor"))
    return list(wrong.order_by("number").values_list("number", flat=True))


def _sum(rows: type[InvoiceLine] | type[InvoiceTax]) -> Coalesce:
    """The amounts of an invoice's rows; apart from each other, as two joins would count rows twice."""
    of_one = rows.objects.filter(invoice=OuterRef("pk")).values("invoice")
    return Coalesce(Subquery(of_one.annotate(total=Sum("amount_minor")).values("total")), 0)
