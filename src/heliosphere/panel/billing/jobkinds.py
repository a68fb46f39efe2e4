"""The jobs billing declares, and the gateways it knows."""

from django.utils.translation import gettext_lazy as _

from heliosphere.panel.billing import cards
from heliosphere.panel.billing.gateways import bundled as bundled
from heliosphere.panel.platform.jobs.kinds import JOB_KINDS, JobKind

JOB_KINDS.add(JobKind("card.capture", _("Charge a card"), run=cards.capture))
JOB_KINDS.add(JobKind("card.void", _("Release a card"), run=cards.void))
