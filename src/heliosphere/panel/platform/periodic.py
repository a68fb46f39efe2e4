"""Periodic jobs: declared once with a cron line, run by whichever worker finds them due."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronsim import CronSim
from django.db import transaction
from django.utils.functional import Promise

from heliosphere.panel.platform.models import PeriodicRun
from heliosphere.panel.platform.registry import Registry

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PeriodicJob:
    """`run` is handed the time and must be safe to repeat: a worker may die in the middle."""

    name: str
    title: str | Promise
    cron: str
    run: Callable[[datetime], object]


PERIODIC_JOBS: Registry[PeriodicJob] = Registry("periodic job")
_next_look: list[datetime] = []


def run_due(now: datetime) -> list[str]:
    """Run what is due, each on one worker only. Looks at the table every few seconds, not at every call."""
    if _next_look and now < _next_look[0]:
        return []
    _next_look[:] = [now + timedelta(seconds=5)]
    ran = [job.name for job in PERIODIC_JOBS if _take(job, now)]
    for name in ran:
        try:
            PERIODIC_JOBS[name].run(now)
        except Exception:
            log.exception("periodic job %s failed; it runs again when next due", name)
    return ran


@transaction.atomic
def _take(job: PeriodicJob, now: datetime) -> bool:
    row = PeriodicRun.objects.select_for_update().filter(name=job.name).first()
    if row is None:
        PeriodicRun.objects.get_or_create(name=job.name, defaults={"last_due": now})
        return False
    due = next(CronSim(job.cron, row.last_due))
    if due > now:
        return False
    row.last_due = now
    row.save(update_fields=["last_due"])
    return True
