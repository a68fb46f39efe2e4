"""The jobs DNS declares."""

from django.utils.translation import gettext_lazy as _

from heliosphere.panel.dns.models import Zone
from heliosphere.panel.platform.jobs.kinds import JOB_KINDS, JobKind
from heliosphere.panel.platform.provisioned import mark_reality

JOB_KINDS.add(JobKind("dns_zone.apply", _("Set up a DNS zone"), on_end=mark_reality(Zone, name="name")))
