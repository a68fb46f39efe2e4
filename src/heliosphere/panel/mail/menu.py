"""Lines of mail in the menus."""

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.navigation import Door, NavItem, register

register(
    NavItem(
        "mail.info", Door.USER, "mail", pgettext_lazy("menu", "Mailboxes"), "mail:mailboxes", "mailbox", 10
    )
)
