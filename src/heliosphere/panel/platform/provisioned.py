"""Rows that stand for something on a node: wanted here, real there once a job says so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from heliosphere.contracts.codec import decode
from heliosphere.contracts.jobs import JobOutcome
from heliosphere.panel.platform.jobs.kinds import Finish
from heliosphere.panel.platform.jobs.models import Job, JobState
from heliosphere.panel.platform.tenancy import TenantModel


class Reality(models.TextChoices):
    PENDING = "pending", _("being set up")
    LIVE = "live", _("live")
    FAILED = "failed", _("failed")


class Provisioned(TenantModel):
    """`reality` is what the last ended job left; `removing` says the row goes when its job is done."""

    reality = models.CharField(max_length=10, choices=Reality.choices, default=Reality.PENDING)
    removing = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        abstract = True


def mark_reality(model: type[Provisioned], **lookup: str) -> Finish:
    """An `on_end` that writes the outcome on the row found by `lookup` (row field -> spec field).

    A later job for the same row is already under way: leave the row to that one.
    """

    def _same(other: Any, spec: Any) -> bool:
        return all(getattr(other, name) == getattr(spec, name) for name in lookup.values())

    def on_end(job: Job, spec: Any, outcome: JobOutcome, now: datetime) -> None:
        rows = model.everything.filter(**{field: getattr(spec, name) for field, name in lookup.items()})
        newer = Job.everything.filter(
            object_key=job.object_key, kind=job.kind, pk__gt=job.pk, state__in=("queued", "running")
        )
        # One key may order jobs of several rows (all mailboxes of a domain): only the same row counts.
        if any(_same(decode(text), spec) for text in newer.values_list("spec", flat=True)):
            return
        rows.update(reality=Reality.LIVE if job.state == JobState.DONE else Reality.FAILED)

    return on_end
