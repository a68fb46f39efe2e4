"""Signup's lines in the menus."""

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.navigation import Door, NavItem, register

for door in (Door.ADMIN, Door.RESELLER):
    register(
        NavItem(
            "signup.new", door, "signup", pgettext_lazy("menu", "Signup"), "signup:choose-plan", "signup", 10
        ),
        NavItem(
            "signup.links", door, "signup", pgettext_lazy("menu", "Signup links"), "signup:links", "link", 20
        ),
        NavItem(
            "signup.moderation",
            door,
            "signup",
            pgettext_lazy("menu", "Moderation"),
            "signup:moderation",
            "state-moderated",
            30,
        ),
    )
register(NavItem("plans", Door.PUBLIC, "plans", pgettext_lazy("menu", "Plans"), "signup:plans", "plan"))
