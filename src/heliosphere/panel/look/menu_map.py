"""The whole menu, in the words admins of such panels know; planned until an app brings the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import pgettext_lazy

from heliosphere.panel.platform.navigation import Door, NavItem, NavSection, register, register_section

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise


def _(text: str) -> StrOrPromise:
    return pgettext_lazy("menu", text)


# (key, label, icon, only the owner of the installation has it)
_Line = tuple[str, "StrOrPromise", str, bool]
# section key, label, icon, its lines
_Section = tuple[str, "StrOrPromise", str, tuple[_Line, ...]]

ADMIN: tuple[_Section, ...] = (
    (
        "search",
        _("Search"),
        "search",
        (
            ("search.accounts", _("Accounts"), "accounts", False),
            ("search.domains", _("Domains"), "domain", False),
            ("search.deleted", _("Deleted accounts"), "state-deleted", False),
        ),
    ),
    (
        "signup",
        _("Signup"),
        "signup",
        (
            ("signup.new", _("Signup"), "signup", False),
            ("signup.links", _("Signup links"), "link", False),
            ("signup.moderation", _("Moderation"), "state-moderated", False),
            ("signup.failed", _("Failed signups"), "state-failed", False),
        ),
    ),
    (
        "plans",
        _("Plans"),
        "plan",
        (
            ("plans.create", _("Create"), "add", False),
            ("plans.manage", _("Manage"), "plan", False),
            ("plans.globals", _("Globals"), "globals", False),
            ("plans.groups", _("Plan groups"), "group", False),
            ("plans.extra", _("Extra packages"), "extra", False),
            ("plans.promotions", _("Promotions"), "promotion", False),
        ),
    ),
    (
        "emanager",
        _("E.Manager"),
        "enterprise",
        (
            ("emanager.physical", _("Physical servers"), "server", True),
            ("emanager.logical", _("Logical servers"), "server-logical", True),
            ("emanager.groups", _("Server groups"), "group", True),
            ("emanager.mail", _("Mail servers"), "mail", True),
            ("emanager.dns", _("DNS manager"), "dns", False),
            ("emanager.ssl", _("Shared SSL"), "certificate", False),
            ("emanager.other", _("Other"), "tool", True),
        ),
    ),
    (
        "settings",
        _("Settings"),
        "settings",
        (
            ("settings.registrars", _("Domain registrars"), "registrar", False),
            ("settings.payment", _("Payment settings"), "payment", False),
            ("settings.billing", _("Billing settings"), "billing", False),
            ("settings.taxes", _("Taxes"), "tax", False),
            ("settings.debtors", _("Managing debtors"), "state-overdue", False),
            ("settings.guard", _("Signup guard"), "guard", False),
            ("settings.blacklists", _("Blacklists"), "blacklist", False),
            ("settings.notifications", _("Notifications"), "notification", False),
            ("settings.support", _("Tech support"), "support", False),
            ("settings.antispam", _("Antispam and antivirus"), "antispam", False),
        ),
    ),
    (
        "look",
        _("Look and feel"),
        "look",
        (
            ("look.company", _("Company info"), "company", False),
            ("look.logos", _("Corporate logos"), "logo", False),
            ("look.texts", _("Misc. texts"), "text", False),
            ("look.regional", _("Regional"), "region", False),
            ("look.skins", _("Skins and language"), "look", False),
        ),
    ),
    ("reports", _("Reports"), "report", (("reports", _("Reports"), "report", False),)),
    (
        "support",
        _("Support center"),
        "support",
        (
            ("support.tickets", _("Tickets"), "ticket", False),
            ("support.knowledge", _("Knowledge base"), "book", False),
            ("support.jobs", _("Custom jobs"), "tool", False),
            ("support.mail", _("Mass mail"), "mass-mail", False),
        ),
    ),
    ("jobs", _("Background jobs"), "jobs", (("jobs", _("Background jobs"), "jobs", True),)),
    ("licence", _("Licence"), "licence", (("licence", _("Licence"), "licence", True),)),
)

USER: tuple[_Section, ...] = (
    ("quick", _("Quick access"), "home", (("quick", _("Quick access"), "home", False),)),
    (
        "domains",
        _("Domains"),
        "domain",
        (
            ("domains.info", _("Domain info"), "domain", False),
            ("domains.web", _("Web"), "web", False),
            ("domains.dns", _("DNS"), "dns", False),
            ("domains.certificates", _("Certificates"), "certificate", False),
        ),
    ),
    (
        "mail",
        _("Mail"),
        "mail",
        (
            ("mail.info", _("Mailboxes"), "mailbox", False),
            ("mail.forwards", _("Forwards"), "forward", False),
            ("mail.antispam", _("Antispam and antivirus"), "antispam", False),
        ),
    ),
    ("ftp", _("FTP"), "ftp", (("ftp", _("FTP"), "ftp", False),)),
    ("databases", _("Databases"), "database", (("databases", _("Databases"), "database", False),)),
    (
        "billing",
        _("Billing"),
        "billing",
        (
            ("billing.invoices", _("Invoices"), "invoice", False),
            ("billing.profiles", _("Billing profiles"), "payment", False),
            ("billing.future", _("Future charges"), "price", False),
        ),
    ),
    ("support", _("Support"), "support", (("support", _("Support"), "support", False),)),
    ("look", _("Look"), "look", (("look", _("Look"), "look", False),)),
)

PUBLIC: tuple[_Section, ...] = (
    ("plans", _("Plans"), "plan", (("plans", _("Plans"), "plan", False),)),
    ("status", _("Status"), "status", (("status", _("Status"), "status", False),)),
    ("knowledge", _("Knowledge base"), "book", (("knowledge", _("Knowledge base"), "book", False),)),
)


def register_all() -> None:
    """Declare every section and its planned items for all doors."""
    _declare(Door.ADMIN, ADMIN)
    _declare(Door.RESELLER, ADMIN, with_owner_lines=False)
    _declare(Door.USER, USER)
    _declare(Door.PUBLIC, PUBLIC)
    register(NavItem("look", Door.USER, "look", _("Look"), "look:preferences", "look"))
    for door in (Door.ADMIN, Door.RESELLER):
        register(
            NavItem("look.skins", door, "look", _("Skins and language"), "look:preferences", "look", order=50)
        )


def _declare(door: Door, sections: tuple[_Section, ...], *, with_owner_lines: bool = True) -> None:
    for place, (key, label, icon, lines) in enumerate(sections, start=1):
        register_section(NavSection(door, key, label, icon, order=place * 10))
        for order, (item, text, item_icon, owner_only) in enumerate(lines, start=1):
            if with_owner_lines or not owner_only:
                register(NavItem(item, door, key, text, icon=item_icon, order=order * 10, planned=True))
