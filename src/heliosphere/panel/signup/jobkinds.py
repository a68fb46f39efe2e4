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
