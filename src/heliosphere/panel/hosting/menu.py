"""Lines of accounts and jobs in the menus."""

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.navigation import Door, NavItem, register, set_home

for door in (Door.ADMIN, Door.RESELLER):
    set_home(door, "hosting:admin-home")
    register(
        NavItem(
            "search.accounts",
            door,
            "search",
            pgettext_lazy("menu", "Accounts"),
            "hosting:accounts",
            "accounts",
            10,
        ),
        NavItem(
            "look.company",
            door,
            "look",
            pgettext_lazy("menu", "Company info"),
            "hosting:company",
            "company",
            10,
        ),
        NavItem("jobs", door, "jobs", pgettext_lazy("menu", "Background jobs"), "hosting:jobs", "jobs", 10),
    )
set_home(Door.USER, "hosting:user-home")
register(
    NavItem(
        "quick", Door.USER, "quick", pgettext_lazy("menu", "Quick access"), "hosting:user-home", "home", 10
    )
)
register(
    NavItem(
        "domains.info",
        Door.USER,
        "domains",
        pgettext_lazy("menu", "Domain info"),
        "hosting:domains",
        "domain",
        10,
    )
)
