"""Controls that several programs read: names and domains."""

from __future__ import annotations

from heliosphere.contracts.controls import line_checks as check
from heliosphere.contracts.controls.registry import REGISTRY

ME = REGISTRY.text(
    "me", "localhost.localdomain", "The server's full host name.", ("smtpd", "send", "pop3d"),
    in_panel=False, line_check=check.host_problem, example="mx.example.test",
)  # fmt: skip
LOCALS = REGISTRY.lines(
    "locals",
    "Host names whose mail is for this machine itself.",
    ("smtpd", "send"),
    stage="rcpt",
    in_panel=False,
)
VIRTUALDOMAINS = REGISTRY.lines(
    "virtualdomains", "Mail domains held here, as domain:prefix.", ("smtpd", "send"), stage="rcpt",
    in_panel=False, example="example.test:example.test",
)  # fmt: skip
USERCHK = REGISTRY.flag(
    "userchk", False, "Refuse mail to mailboxes that do not exist.", ("smtpd",), stage="rcpt"
)
UQUOTACHECK = REGISTRY.flag(
    "uquotacheck", False, "Refuse mail to mailboxes that are full.", ("smtpd",), stage="rcpt"
)
CATCHALL = REGISTRY.flag(
    "catchall", True, "Let the catch-all addresses work that users have set.", ("smtpd", "send"),
    stage="rcpt",
    since="3.0 P5",
)  # fmt: skip
LOCALTIME = REGISTRY.flag(
    "localtime", False, "Write dates in the server's time zone rather than in UTC.", ("smtpd", "send"),
    stage="queue",
)  # fmt: skip
POPBEFORESMTP = REGISTRY.flag(
    "popbeforesmtp", False, "A POP3 or IMAP sign-in lets its IP address relay for a while.", ("pop3d",),
    stage="connect",
    caution="Sign-in with SMTP AUTH is safer: an address may be shared by many.",
)  # fmt: skip
OPENSMTPTIMEOUT = REGISTRY.number(
    "opensmtptimeout", 180, "Minutes that such a relay stays open after the sign-in.", ("smtpd",
    "clearopensmtp"),
    stage="connect", at_most=525600,
)  # fmt: skip
TLSPROTOCOLS = REGISTRY.text(
    "tlsprotocols", "TLSv1.2,TLSv1.3", "TLS versions that are offered, with commas between.", ("smtpd",
    "pop3d"),
    stage="connect", since="3.0 P2",
    is_partial=True, line_check=check.tls_protocols, example="TLSv1.2,TLSv1.3",
)  # fmt: skip
