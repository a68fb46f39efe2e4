"""Controls of the SMTP server, in the order of a session."""

from __future__ import annotations

from collections.abc import Mapping

from heliosphere.contracts.controls import line_checks as check
from heliosphere.contracts.controls import spf_checks
from heliosphere.contracts.controls.registry import REGISTRY

_BY = ("smtpd",)

# Connect

TCPSESSIONCOUNT = REGISTRY.number(
    "tcpsessioncount", 40, "SMTP sessions served at the same time; further clients wait.", _BY,
    stage="connect",
    at_least=1, at_most=65535, needs_restart=True,
)  # fmt: skip
PERIPLIMIT = REGISTRY.number(
    "periplimit", 0, "SMTP sessions one IP address may have at a time; 0 sets no limit.", _BY,
    stage="connect",
    at_most=65535,
)  # fmt: skip
PROXYPROTOCOL = REGISTRY.lines(
    "proxyprotocol", "Load balancers whose PROXY header is believed: addresses or networks.", _BY,
    stage="connect", line_check=check.network, example="10.7.0.5",
    caution="Every connection from these addresses must begin with the header.",
)  # fmt: skip
SMTPGREETING = REGISTRY.text(
    "smtpgreeting", None, "Name shown in the greeting; the server's if absent.", _BY, stage="connect"
)
RELAYCLIENTS = REGISTRY.lines(
    "relayclients", "IP addresses that may send mail to anywhere.", _BY, stage="connect",
    line_check=check.client_address, example="198.51.100.*",
    caution="Absent means that this list lets nobody relay.",
)  # fmt: skip
RELAYDOMAINS = REGISTRY.lines(
    "relaydomains", "Host names of clients that may send mail to anywhere.", _BY, stage="connect",
    line_check=check.client_host, example=".partner.test",
    caution="Absent means that this list lets nobody relay. The name must lead back to the address.",
)  # fmt: skip
RBLHOSTS = REGISTRY.lines(
    "rblhosts", "DNS lists that are asked about each client; a:zone is a list of good ones.", _BY,
    stage="connect",
    line_check=check.block_list, example="zen.block.test",
    see=("flagfailclosed", "flagrblbounce", "qmailspp"),
)  # fmt: skip
FLAGFAILCLOSED = REGISTRY.flag(
    "flagfailclosed", False, "A DNS list that does not answer refuses for now (451).", _BY, stage="connect",
    since="3.0 RC4",
)  # fmt: skip
FLAGRBLBOUNCE = REGISTRY.flag(
    "flagrblbounce", False, "A listed client is refused for good (553) rather than for now (451).", _BY,
    stage="connect", since="3.0 RC4",
)  # fmt: skip
RBLSYSLOG = REGISTRY.text(
    "rblsyslog", "mail.notice", "Syslog facility and level of what DNS lists refuse.", _BY, stage="operation",
    line_check=check.syslog_target, example="local7.warn",
)  # fmt: skip
QMAILSPP = REGISTRY.flag(
    "qmailspp", False, "Run the plugins named in smtpplugins.", _BY, stage="connect", since="3.0 RC4"
)
SMTPPLUGINS = REGISTRY.lines(
    "smtpplugins", "Plugins by section, one with its full path a line.", _BY, stage="connect", in_panel=False,
    since="3.0 RC4", example="[rcpt]",
)  # fmt: skip
TIMEOUTSMTPD = REGISTRY.number(
    "timeoutsmtpd", 1200, "Seconds to wait for the client's next bytes.", _BY, stage="connect", at_least=1,
    raises_to_least=True,
)  # fmt: skip
NEWLINE = REGISTRY.flag(
    "newline", False, "Take lines that end without a carriage return.", _BY, stage="connect",
    caution="Only for old programs: a strict server cannot be tricked by odd line ends.",
)  # fmt: skip

# HELO

STRICTHELOCHECK = REGISTRY.flag(
    "stricthelocheck", False, "HELO or EHLO must come first.", _BY, stage="helo", since="3.0"
)
BADHELO = REGISTRY.lines(
    "badhelo", "Greetings that are refused, with patterns.", _BY, stage="helo", line_check=check.greeting,
    example="*.dialup.test",
    see=("splithorizon",),
)  # fmt: skip
HELODNSCHECK = REGISTRY.flag(
    "helodnscheck",
    False,
    "The name a client greets with must be in the DNS.",
    _BY,
    stage="helo",
    see=("splithorizon",),
)
SPLITHORIZON = REGISTRY.flag(
    "splithorizon", False,
    "Clients that may relay skip badhelo, helodnscheck, badmailfrom, badmailpatterns and mfdnscheck.", _BY,
    stage="helo",
    see=("badhelo", "helodnscheck", "badmailfrom", "badmailpatterns", "mfdnscheck"),
)  # fmt: skip

# AUTH

SMTPAUTH = REGISTRY.flag(
    "smtpauth", False, "Let users sign in on the mail transfer port too.", _BY, stage="auth"
)
AUTHMETHODS = REGISTRY.text(
    "authmethods", "LOGIN PLAIN CRAM-MD5", "Ways to sign in that are offered, with blanks between.", _BY,
    stage="auth", line_check=check.sign_in_methods, example="PLAIN LOGIN SCRAM-SHA-256",
    caution="CRAM-MD5 and SCRAM-SHA-256 need passwords that are kept in clear text.",
)  # fmt: skip


def _authsender_default(values: Mapping[str, object]) -> int:
    return 2 if values.get(SMTPAUTH.name, SMTPAUTH.default) else 0


AUTHSENDER = REGISTRY.number(
    "authsender", 0,
    "1: who signed in sends from the own domain only; 2: traffic counts for the domain of the login.", _BY,
    stage="auth", at_most=2, default_of=_authsender_default, since="3.0 P5",
    see=("smtpauth",),
)  # fmt: skip
AUTHFAILLIMIT = REGISTRY.number(
    "authfaillimit", 20, "Failed sign-ins of one IP address or account in ten minutes; 0 sets no limit.",
    ("smtpd", "pop3d"), stage="auth",
)  # fmt: skip

# MAIL

BADMAILFROM = REGISTRY.lines(
    "badmailfrom", "Senders that are refused: user@domain or @domain.", _BY, stage="mail",
    line_check=check.sender, example="@junk.test",
    see=("splithorizon",),
)  # fmt: skip
BADMAILPATTERNS = REGISTRY.lines(
    "badmailpatterns", "Senders that are refused, with patterns; !pattern excepts.", _BY, stage="mail",
    line_check=check.mail_pattern, example="*@*.bulk.test",
    see=("splithorizon",),
)  # fmt: skip
BADMAILFROM_UNKNOWN = REGISTRY.lines(
    "badmailfrom-unknown", "Sender domains that are refused from clients without a name in the DNS.", _BY,
    stage="mail", line_check=check.unknown_sender, example="@bigfree.test",
)  # fmt: skip
BLACKHOLEDSENDER = REGISTRY.lines(
    "blackholedsender", "Senders, with patterns, on which the session ends without a word.", _BY,
    stage="mail",
    line_check=check.mail_pattern, example="*@*.flood.test",
    see=("badmailpatterns", "quitasap"),
)  # fmt: skip
MFDNSCHECK = REGISTRY.flag(
    "mfdnscheck", False, "The sender's domain must be in the DNS.", _BY, stage="mail",
    see=("nomfdnscheck", "splithorizon"),
)  # fmt: skip
NOMFDNSCHECK = REGISTRY.lines(
    "nomfdnscheck", "Senders that mfdnscheck lets pass: user@domain or @domain.", _BY, stage="mail",
    line_check=check.address_or_domain, example="@intern.test", see=("mfdnscheck",),
)  # fmt: skip
SMDCHECK = REGISTRY.flag(
    "smdcheck", False, "Mail to other servers needs a sender of a domain held here.", _BY, stage="mail"
)
RELAYMAILFROM = REGISTRY.lines(
    "relaymailfrom", "Senders that may send mail to anywhere: user@domain or @domain.", _BY, stage="mail",
    line_check=check.address_or_domain, example="@partner.test",
    caution="Anybody can claim to be these senders. Strongly discouraged.",
)  # fmt: skip
NOATHOST = REGISTRY.flag(
    "noathost", False, "Addresses must have a full domain; the empty sender is refused too.", _BY,
    stage="mail",
    caution="Bounces and receipts will not reach you: others have to deal with them, and RFC 1123 (5.2.9) "
    "obliges every server to take mail from <>.",
)  # fmt: skip
DATABYTES = REGISTRY.number(
    "databytes", 0, "Largest message in bytes; 0 sets no limit.", _BY, stage="data", example="52428800"
)
STRIPSINGLEQUOTES = REGISTRY.flag(
    "stripsinglequotes", False, "Drop single quotes around an address.", _BY, stage="mail",
    caution="The results may surprise: a quote can belong to the address.",
)  # fmt: skip
LOWERCASE = REGISTRY.flag(
    "lowercase", False, "Turn addresses into lower case before lists look at them.", _BY, stage="mail"
)
SPFBEHAVIOR = REGISTRY.number(
    "spfbehavior", 0,
    "SPF: 0 off, 1 note only, 2 defer on DNS trouble, 3 refuse fail, 4 softfail, 5 neutral, 6 all but pass.",
    _BY, stage="mail", at_most=6,
    caution="Values above 3 are strongly discouraged: they refuse much good mail.",
)  # fmt: skip
SPFRULES = REGISTRY.text(
    "spfrules", "", "SPF terms of your own, tried before a domain's record would refuse.", _BY, stage="mail",
    line_check=spf_checks.rules, example="include:partners.test",
)  # fmt: skip
SPFGUESS = REGISTRY.text(
    "spfguess", "", "SPF record taken for domains that publish none.", _BY, stage="mail",
    line_check=spf_checks.record, example="v=spf1 a/24 mx/24 ptr -all",
)  # fmt: skip
SPFEXP = REGISTRY.text(
    "spfexp", "", "Text sent to who is refused by SPF, with SPF macros.", _BY, stage="mail",
    line_check=spf_checks.explanation, example="%{i} may not send for %{o}",
)  # fmt: skip
QUITASAP = REGISTRY.flag(
    "quitasap", False, "Hang up on a client as soon as a list or DNS check refused it.", _BY, stage="mail",
    caution="For attacks and very heavy spam only: breaking the connection conflicts with correct SMTP.",
)  # fmt: skip

# RCPT

BADRCPTTO = REGISTRY.lines(
    "badrcptto", "Recipients that get no mail: user@domain or @domain.", _BY, stage="rcpt",
    line_check=check.sender, example="info@example.test",
)  # fmt: skip
BADRCPTPATTERNS = REGISTRY.lines(
    "badrcptpatterns", "Recipients that get no mail, with patterns.", _BY, stage="rcpt",
    line_check=check.mail_pattern, example=r"*\[192.0.2.25\]*",
)  # fmt: skip
RCPTHOSTS = REGISTRY.lines(
    "rcpthosts", "Domains whose mail is accepted, the first fifty.", _BY, stage="rcpt", in_panel=False,
    line_check=check.accepted_domain, example="example.test",
)  # fmt: skip
MORERCPTHOSTS = REGISTRY.lines(
    "morercpthosts", "Further domains whose mail is accepted.", _BY, stage="rcpt", in_panel=False,
    line_check=check.accepted_domain,
)  # fmt: skip
MAXRECIPIENTS = REGISTRY.number(
    "maxrecipients", 0, "Most recipients of one message; 0 sets no limit.", _BY, stage="rcpt"
)
MAXWRONGRCPT = REGISTRY.number(
    "maxwrongrcpt", 0, "Wrong recipients in a session before all are refused; 0 sets no limit.", _BY,
    stage="rcpt", since="hsphere-mail-service-4-14",
    see=("userchk",),
)  # fmt: skip
TARPITCOUNT = REGISTRY.number(
    "tarpitcount",
    0,
    "From this recipient on answers come late; 0 never.",
    _BY,
    stage="rcpt",
    see=("tarpitdelay",),
)
TARPITDELAY = REGISTRY.number(
    "tarpitdelay", 5, "Seconds by which they come late.", _BY, stage="rcpt", at_most=3600
)
RCPTDNSCHECKS = REGISTRY.flag(
    "rcptdnschecks", False, "The domain of a recipient elsewhere must be in the DNS.", _BY, stage="rcpt"
)
REJECTDISCARDEDMAIL = REGISTRY.flag(
    "rejectdiscardedmail", False, "Refuse mail to mailboxes that throw everything away.", _BY, stage="rcpt",
    since="3.0 P5",
)  # fmt: skip
GREYLIST = REGISTRY.flag(
    "greylist", False, "Ask unknown clients to come again before their mail is taken.", _BY, stage="rcpt",
    since="3.3",
)  # fmt: skip
GREYLISTDELAY = REGISTRY.number(
    "greylistdelay", 300, "Seconds after which they may come again.", _BY, stage="rcpt", at_most=86400
)
NOGREYLIST = REGISTRY.lines(
    "nogreylist", "Recipients that are not greylisted: user@domain or @domain.", _BY, stage="rcpt",
    line_check=check.address_or_domain, example="@urgent.test",
)  # fmt: skip

# DATA: who signed the message

AUTHRESULTS = REGISTRY.flag(
    "authresults", False, "Verify DKIM, DMARC and ARC and note the results in the header.", _BY, stage="data"
)
DMARCPOLICY = REGISTRY.number(
    "dmarcpolicy", 0, "DMARC: 0 notes only, 1 moves what should be in quarantine, 2 refuses as well.", _BY,
    stage="data", at_most=2,
)  # fmt: skip

# Log

SMTPLOG = REGISTRY.number(
    "smtplog", 0, "Log of sessions: 0 verdicts, 1 verbs and codes, 2 everything.", _BY, stage="operation",
    at_most=2, in_panel=False, since="2.5 P1", caution="For debugging only.",
)  # fmt: skip
SESSIONDAYS = REGISTRY.number(
    "sessiondays", 7, "Days that records of sessions are kept for questions; 0 keeps none.", _BY,
    stage="operation", at_most=366,
)  # fmt: skip
SYSFACILITY = REGISTRY.text(
    "sysfacility", "LOG_LOCAL0", "Syslog facility of the traffic statistics.", _BY, stage="operation",
    line_check=check.statistics_facility, since="2.4.3 P1", example="LOG_LOCAL3",
)  # fmt: skip
