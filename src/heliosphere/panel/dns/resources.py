"""What DNS sells."""

from django.utils.translation import gettext_lazy as _

from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure, ResourceType

RESOURCE_TYPES.add(
    ResourceType(
        name="dns_zone",
        label=_("DNS zone"),
        plural=_("DNS zones"),
        help=_("A zone on the name servers for a domain of the account."),
        measure=Measure.COUNT,
        unit=_("zones"),
        default_free_units=1,
    )
)
