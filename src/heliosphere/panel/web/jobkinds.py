"""The jobs web hosting declares."""

from django.utils.translation import gettext_lazy as _

from heliosphere.panel.platform.jobs.kinds import JOB_KINDS, JobKind
from heliosphere.panel.platform.provisioned import mark_reality
from heliosphere.panel.web.models import Site

JOB_KINDS.add(JobKind("web_site.apply", _("Set up a web site"), on_end=mark_reality(Site, name="name")))
