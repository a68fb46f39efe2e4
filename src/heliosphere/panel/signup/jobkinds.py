"""The periodic work of signups."""

from django.utils.translation import gettext_lazy as _

from heliosphere.panel.platform.periodic import PERIODIC_JOBS, PeriodicJob
from heliosphere.panel.signup import services

PERIODIC_JOBS.add(
    PeriodicJob(
        "signup.unattended",
        _("Finish card signups whose payer left the page"),
        "* * * * *",
        services.finish_unattended,
    )
)
PERIODIC_JOBS.add(
    PeriodicJob(
        "signup.forget-drafts", _("Delete signups that were never sent"), "37 4 * * *", services.forget_drafts
    )
)
