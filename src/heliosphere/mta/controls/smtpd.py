"""Controls of the SMTP server."""

from __future__ import annotations

from heliosphere.mta.controls.registry import REGISTRY

_BY = ("smtpd",)

TCPSESSIONCOUNT = REGISTRY.number(
    "tcpsessioncount", 40, "SMTP sessions served at the same time; further clients wait.", _BY,
    at_least=1, at_most=65535,
)  # fmt: skip
TIMEOUTSMTPD = REGISTRY.number(
    "timeoutsmtpd", 1200, "Seconds to wait for the client's next bytes.", _BY, at_least=1
)
SMTPGREETING = REGISTRY.text("smtpgreeting", None, "Name shown in the greeting; the server's if absent.", _BY)
RCPTHOSTS = REGISTRY.lines(
    "rcpthosts", "Domains whose mail is accepted, the first fifty.", _BY, in_panel=False
)
MORERCPTHOSTS = REGISTRY.lines(
    "morercpthosts", "Further domains whose mail is accepted.", _BY, in_panel=False
)
SMTPAUTH = REGISTRY.flag("smtpauth", False, "Let users sign in on the mail transfer port too.", _BY)
AUTHSENDER = REGISTRY.number(
    "authsender",
    0,
    "1: a signed-in user may only send from their own domain; 0 and 2 refuse nothing.",
    _BY,
    at_most=2,
)
DATABYTES = REGISTRY.number("databytes", 0, "Largest message in bytes; 0 sets no limit.", _BY)
MAXRECIPIENTS = REGISTRY.number("maxrecipients", 0, "Most recipients of one message; 0 sets no limit.", _BY)
