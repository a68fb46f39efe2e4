"""Lines of money in the menus."""

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.navigation import Door, NavItem, register

for door in (Door.ADMIN, Door.RESELLER):
    register(
        NavItem(
            "settings.payment",
            door,
            "settings",
            pgettext_lazy("menu", "Payment settings"),
            "billing:payment-settings",
            "payment",
            20,
        ),
        NavItem(
            "settings.taxes", door, "settings", pgettext_lazy("menu", "Taxes"), "billing:taxes", "tax", 40
        ),
    )
register(
    NavItem(
        "billing.invoices",
        Door.USER,
        "billing",
        pgettext_lazy("menu", "Invoices"),
        "billing:invoices",
        "invoice",
        10,
    )
)
