"""Controls that several programs read: names and domains."""

from __future__ import annotations

from heliosphere.mta.controls.registry import REGISTRY

ME = REGISTRY.text(
    "me", "localhost.localdomain", "The server's full host name.", ("smtpd", "send", "pop3d"), in_panel=False
)
LOCALS = REGISTRY.lines(
    "locals", "Host names whose mail is for this machine itself.", ("smtpd", "send"), in_panel=False
)
VIRTUALDOMAINS = REGISTRY.lines(
    "virtualdomains", "Mail domains held here, as domain:prefix.", ("smtpd", "send"), in_panel=False
)
USERCHK = REGISTRY.flag("userchk", False, "Refuse mail to mailboxes that do not exist.", ("smtpd",))
UQUOTACHECK = REGISTRY.flag("uquotacheck", False, "Refuse mail to mailboxes that are full.", ("smtpd",))
