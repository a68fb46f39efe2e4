"""What mail hosting sells."""

from django.utils.translation import gettext_lazy as _

from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure, ResourceType

RESOURCE_TYPES.add(
    ResourceType(
        name="mail_domain",
        label=_("Mail domain"),
        plural=_("Mail domains"),
        help=_("Mail under the domain of the account, with a postmaster."),
        measure=Measure.COUNT,
        unit=_("domains"),
        default_free_units=1,
    )
)
RESOURCE_TYPES.add(
    ResourceType(
        name="mailbox",
        label=_("Mailbox"),
        plural=_("Mailboxes"),
        help=_("A mailbox with a password and a quota."),
        measure=Measure.COUNT,
        unit=_("mailboxes"),
        activated_by_default=False,
        default_free_units=5,
    )
)
