"""Lines of mail in the menus."""

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.navigation import Door, NavItem, register

register(
    NavItem(
        "mail.info", Door.USER, "mail", pgettext_lazy("menu", "Mailboxes"), "mail:mailboxes", "mailbox", 10
    ),
    NavItem(
        "mail.sessions",
        Door.USER,
        "mail",
        pgettext_lazy("menu", "Incoming mail"),
        "mail:own-sessions",
        "history",
        15,
    ),
    NavItem(
        "emanager.mail",
        Door.ADMIN,
        "emanager",
        pgettext_lazy("menu", "Mail servers"),
        "mail:servers",
        "mail",
        40,
    ),
)
for door in (Door.ADMIN, Door.RESELLER):
    register(
        NavItem(
            "emanager.sessions",
            door,
            "emanager",
            pgettext_lazy("menu", "Mail sessions"),
            "mail:staff-sessions",
            "history",
            42,
        ),
        NavItem(
            "emanager.explain",
            door,
            "emanager",
            pgettext_lazy("menu", "Explain mail"),
            "mail:explain",
            "help",
            44,
        ),
    )
