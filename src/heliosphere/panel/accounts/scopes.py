"""What an API token may be limited to. Declared once for the token page, the API and its docs."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

#: Every scope there is, with what it opens.
SCOPES = {
    "read": _("See everything the user may see"),
    "plans": _("Make and change plans"),
    "signups": _("Sign customers up, let requests in or turn them down"),
    "accounts": _("Suspend and resume accounts, book payments"),
    "mail": _("Add, change and remove mailboxes"),
    "jobs": _("Retry and cancel jobs"),
    "settings": _("Change company, payment and tax settings, servers"),
    "tokens": _("Issue and revoke the user's API tokens"),
}
