"""Every kind of resource a plan can hold, declared once. Wizard, charges, limits and API read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.platform.registry import Registry


class Measure(StrEnum):
    """How units of a resource count."""

    SWITCH = "switch"  # on or off: one unit, free units do not apply
    COUNT = "count"  # things one can count: mailboxes, domains
    AMOUNT = "amount"  # a size with a unit: MB of mail


@dataclass(frozen=True)
class ResourceType:
    """`activated` resources are switched on at signup with `signup_units` units and billed from there."""

    name: str
    label: str | Promise
    help: str | Promise
    measure: Measure
    unit: str | Promise = ""
    plural: str | Promise = ""
    included_by_default: bool = True
    activated_by_default: bool = True
    signup_units: int = 1
    default_free_units: int = 0


RESOURCE_TYPES: Registry[ResourceType] = Registry("resource type")

ACCOUNT = RESOURCE_TYPES.add(
    ResourceType(
        name="account",
        label=_("Hosting account"),
        help=_("The basic fee of the plan, charged once for every account."),
        measure=Measure.SWITCH,
    )
)
