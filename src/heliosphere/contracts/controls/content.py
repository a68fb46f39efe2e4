"""Controls of the content filters."""

from __future__ import annotations

from heliosphere.contracts.controls import line_checks as check
from heliosphere.contracts.controls.registry import REGISTRY

_BY = ("smtpd",)

CHKSIGNATURE = REGISTRY.flag(
    "chksignature", False, "Refuse programs by their first bytes, for recipients with antivirus.", _BY,
    stage="content", since="3.0",
)  # fmt: skip
BADSIGNATURES = REGISTRY.lines(
    "badsignatures", "First nine base64 characters of files that are refused.", _BY, stage="content",
    in_panel=False, line_check=check.signature, example="TVqQAAMAA",
)  # fmt: skip
CHKLOADERTYPE = REGISTRY.flag(
    "chkloadertype", False, "Refuse programs by names of libraries inside, for recipients with antivirus.",
    _BY,
    stage="content", since="3.0", caution="Looks at every line and so costs more than chksignature.",
)  # fmt: skip
BADLOADERTYPES = REGISTRY.lines(
    "badloadertypes", "Five base64 characters that betray a loader.", _BY, stage="content", in_panel=False,
    line_check=check.loader, example="MzIuZ",
)  # fmt: skip
CLAMGLOBAL = REGISTRY.flag(
    "clamglobal", False, "Look for viruses in all mail, whoever it is for.", _BY, stage="content"
)
SPAMGLOBAL = REGISTRY.flag(
    "spamglobal", False, "Look for spam in all mail, whoever it is for.", _BY, stage="content"
)
SKIPCACHK = REGISTRY.number(
    "skipcachk", 0, "No virus check for 1: users who signed in, 2: every client that may relay.", _BY,
    stage="content", at_most=2, since="hsphere-mail-service-4-33",
)  # fmt: skip
SKIPSACHK = REGISTRY.number(
    "skipsachk", 0, "No spam check for 1: users who signed in, 2: every client that may relay.", _BY,
    stage="content", at_most=2, since="hsphere-mail-service-4-33",
)  # fmt: skip
SAMSGSIZE = REGISTRY.number(
    "samsgsize", 256000, "Largest message in bytes that is looked at for spam; 0 sets no limit.", _BY,
    stage="content",
)  # fmt: skip
SANETCHECK = REGISTRY.flag(
    "sanetcheck", False, "Let SpamAssassin ask services on the network.", ("spamd",), stage="content",
    needs_restart=True, caution="Uses the network for each message.",
)  # fmt: skip
SPAMDCHILDREN = REGISTRY.number(
    "spamdchildren", 10, "Processes of SpamAssassin; more for busy servers.", ("spamd",), stage="content",
    at_least=1, at_most=500, needs_restart=True,
)  # fmt: skip
CLAMDSOCKET = REGISTRY.text(
    "clamdsocket", "127.0.0.1:3310", "Where clamd listens: HOST:PORT or a path.", _BY, stage="content",
    in_panel=False, line_check=check.endpoint,
)  # fmt: skip
SPAMDSOCKET = REGISTRY.text(
    "spamdsocket", "127.0.0.1:783", "Where spamd listens: HOST:PORT or a path.", _BY, stage="content",
    in_panel=False, line_check=check.endpoint,
)  # fmt: skip
CLAMFAILOPEN = REGISTRY.flag(
    "clamfailopen", False, "Take mail unchecked while clamd is away, rather than ask to try later.", _BY,
    stage="content", caution="Viruses pass while clamd is away.",
)  # fmt: skip
XORIGINATINGIP = REGISTRY.flag(
    "xoriginatingip", True, "Note the address of a client that may relay in X-Originating-IP.", _BY,
    stage="content", since="2.5.0 P7",
)  # fmt: skip
XENVELOPTOHEADER = REGISTRY.flag(
    "xenveloptoheader", False, "Note the recipient in X-Envelope-To.", ("smtpd", "send"), stage="content",
    since="2.5.0 P7",
)  # fmt: skip

REGISTRY.obsolete["badurls"] = "removed in 2.5 P10"
REGISTRY.obsolete["urlscnt"] = "removed in 2.5 P10"
