"""What the checks of an SMTP session are told: client, policy and the session so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.clients.block_lists import ListVerdict, ListZone
from heliosphere.mta.rules.facts import Fact
from heliosphere.mta.rules.findings import Finding, TraceLine
from heliosphere.mta.rules.patterns import (
    AddressList,
    AddressOnlyList,
    GreetingList,
    PatternList,
    RelayList,
    UnknownSenderList,
)
from heliosphere.mta.rules.plugins.spp import Section
from heliosphere.mta.rules.replies import Reply

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOTHING: Mapping[str, str] = MappingProxyType({})
NO_REFUSALS: Mapping[Section, Reply] = MappingProxyType({})


class Relay(Enum):
    """How a client came to be allowed to send to anywhere (rule G11)."""

    NONE = "none"
    STATIC = "static"
    """By tcp.smtp, relayclients or relaydomains."""
    DYNAMIC = "dynamic"
    """By a POP3 sign-in a short while ago."""
    AUTH = "auth"
    """By signing in, in this session."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who is connected. `submission` ports take mail only from users who sign in.

    `environment` are the variables of the matching line of tcp.smtp. `is_own`: one of this server's own
    addresses. `since`: when the session began.
    """

    ip: str
    is_loopback: bool
    submission: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    is_own: bool = False
    from_open_smtp: bool = False
    since: datetime = EPOCH


@dataclass(frozen=True, slots=True, eq=False)
class SmtpPolicy:
    """The controls of one session, compiled; a number 0 means no limit, a list None is absent.

    Fields are named as the controls. Two policies are the same only if they are one object.
    """

    hostname: str
    greeting: str
    has_certificate: bool = False
    timeoutsmtpd: int = 1200
    newline: bool = False
    periplimit: int = 0

    relayclients: RelayList | None = None
    relaydomains: RelayList | None = None
    rblhosts: tuple[ListZone, ...] = ()
    rbl_is_late: bool = False
    """The plugin rblspp is switched on: lists are asked at RCPT, and spare who signed in."""
    flagfailclosed: bool = False
    flagrblbounce: bool = False
    plugins: frozenset[Section] = frozenset()
    """Sections that have plugins; empty when qmailspp is off."""

    stricthelocheck: bool = False
    badhelo: GreetingList | None = None
    helodnscheck: bool = False
    splithorizon: bool = False

    smtpauth: bool = False
    authmethods: tuple[str, ...] = ("PLAIN", "LOGIN")
    authsender: int = 0

    badmailfrom: AddressList | None = None
    badmailpatterns: PatternList | None = None
    badmailfrom_unknown: UnknownSenderList | None = None
    blackholedsender: PatternList | None = None
    mfdnscheck: bool = False
    nomfdnscheck: AddressOnlyList | None = None
    smdcheck: bool = False
    relaymailfrom: AddressOnlyList | None = None
    noathost: bool = False
    databytes: int = 0
    stripsinglequotes: bool = False
    lowercase: bool = False
    spfbehavior: int = 0
    spfrules: str = ""
    spfguess: str = ""
    spfexp: str = ""
    quitasap: bool = False

    badrcptto: AddressList | None = None
    badrcptpatterns: PatternList | None = None
    maxrecipients: int = 0
    maxwrongrcpt: int = 0
    tarpitcount: int = 0
    tarpitdelay: int = 5
    userchk: bool = False
    uquotacheck: bool = False
    rcptdnschecks: bool = False
    rejectdiscardedmail: bool = False
    greylist: bool = False
    nogreylist: AddressOnlyList | None = None

    xoriginatingip: bool = True
    localtime: bool = False


@dataclass(slots=True)
class Session:
    """The state that checks read; only the wire machine changes it.

    `facts` are what was looked up, `trace` what each check said (None: nobody wants to know).
    """

    client: Client
    policy: SmtpPolicy
    tls: bool = False
    helo: str = ""
    greeted: bool = False
    extended: bool = False
    login: str | None = None
    auth_method: str = ""
    failed_sign_ins: int = 0
    relay: Relay = Relay.NONE
    relay_suffix: str = ""
    blocked: ListVerdict | None = None
    """A DNS list of the classic kind refused this client: nothing but refusals follow."""
    late_refusals: Mapping[Section, Reply] = field(default_factory=lambda: NO_REFUSALS)
    """Replies that plugins asked for at a later verb."""
    lasting_refusals: Mapping[Section, Reply] = field(default_factory=lambda: NO_REFUSALS)
    """Those of them that were asked for before the message began, and so outlast it."""
    connection_refusals: Mapping[Section, Reply] = field(default_factory=lambda: NO_REFUSALS)
    """Those of them that were asked for at connect: a new greeting does not end them."""
    plugins_over: bool = False
    plugin_variables: dict[str, str] = field(default_factory=dict)
    """What plugins set for plugins that run later."""
    changed_address: Address | None = None
    """A plugin put this in the place of the sender or recipient that is being judged."""
    sender: Address | None = None
    sender_may_relay: bool = False
    declared_size: int = 0
    received: int = 0
    """Bytes of the message that came, line ends as one; 0 before its end."""
    body_is_8bit: bool = False
    utf8: bool = False
    recipients: list[Address] = field(default_factory=list)
    recipients_seen: int = 0
    """Every RCPT of the message, refused ones too."""
    wrong_recipients: int = 0
    """Of the whole connection: a new MAIL or RSET does not forget them."""
    added_headers: tuple[str, ...] = ()
    chunks: Any = None
    """The reader of BDAT, and why it may be for nothing; belongs to the wire."""
    remarks: list[Finding] = field(default_factory=list)
    """What checks said while they let the client pass; the wire hands it on."""
    facts: dict[Fact, object] = field(default_factory=dict)
    trace: list[TraceLine] | None = None

    @property
    def may_relay(self) -> bool:
        """Static, dynamic or signed in: an open relay in the guide's words (rule G11)."""
        return self.relay is not Relay.NONE

    @property
    def client_class(self) -> str:
        """none, mfrelay, static, dynamic or auth."""
        if self.relay is Relay.NONE and self.sender_may_relay:
            return "mfrelay"
        return self.relay.value
