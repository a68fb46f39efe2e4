"""Lines of servers in the menus."""

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.navigation import Door, NavItem, register

register(
    NavItem(
        "emanager.physical",
        Door.ADMIN,
        "emanager",
        pgettext_lazy("menu", "Physical servers"),
        "servers:physical",
        "server",
        10,
    ),
    NavItem(
        "emanager.logical",
        Door.ADMIN,
        "emanager",
        pgettext_lazy("menu", "Logical servers"),
        "servers:logical",
        "server-logical",
        20,
    ),
)
