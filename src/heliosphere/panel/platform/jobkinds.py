"""The jobs the platform itself declares."""

from django.utils.translation import gettext_lazy as _

from heliosphere.panel.platform import housekeeping
from heliosphere.panel.platform import notices as notices
from heliosphere.panel.platform.periodic import PERIODIC_JOBS, PeriodicJob

PERIODIC_JOBS.add(
    PeriodicJob(
        "platform.forget", _("Throw away what is no longer needed"), "17 4 * * *", housekeeping.forget
    )
)
PERIODIC_JOBS.add(
    PeriodicJob(
        "platform.forget-questions",
        _("Throw away old questions to servers"),
        "23 * * * *",
        housekeeping.forget_questions,
    )
)
