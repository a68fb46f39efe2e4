"""The catalogue's lines in the menus."""

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.navigation import Door, NavItem, register

for door in (Door.ADMIN, Door.RESELLER):
    register(
        NavItem(
            "plans.create", door, "plans", pgettext_lazy("menu", "Create"), "catalog:plan-start", "add", 10
        ),
        NavItem("plans.manage", door, "plans", pgettext_lazy("menu", "Manage"), "catalog:plans", "plan", 20),
    )
