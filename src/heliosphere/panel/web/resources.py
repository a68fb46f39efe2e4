"""What web hosting sells."""

from django.utils.translation import gettext_lazy as _

from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure, ResourceType

RESOURCE_TYPES.add(
    ResourceType(
        name="web_site",
        label=_("Web site"),
        plural=_("Web sites"),
        help=_("A web site on the domain of the account."),
        measure=Measure.COUNT,
        unit=_("sites"),
        default_free_units=1,
    )
)
