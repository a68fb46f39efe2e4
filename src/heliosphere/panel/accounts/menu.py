"""Lines about a person's own access in the menus."""

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.navigation import Door, NavItem, register

label = pgettext_lazy("menu", "API tokens")
for door in (Door.ADMIN, Door.RESELLER):
    register(NavItem("settings.api", door, "settings", label, "accounts:tokens", "key", 200))
register(NavItem("look.api", Door.USER, "look", label, "accounts:tokens", "key", 200))
