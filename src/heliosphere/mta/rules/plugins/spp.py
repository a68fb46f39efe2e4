"""qmail-spp: the table of plugins in `smtpplugins`, what a plugin is told, and what its words mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from heliosphere.mta.rules.replies import Reply

MAX_HEADER = 998
"""Characters of a line in a message (RFC 5322, 2.1.1)."""
MAX_REPLY = 500
PLUGIN_FAILED = Reply(451, "4.3.0", "a plugin of this server failed, please try again later")
RBLSPP = "rblspp"


class Section(Enum):
    CONNECTION = "connection"
    HELO = "helo"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    AUTH = "auth"


_BY_LETTER = {section.value[0]: section for section in Section}


@dataclass(frozen=True, slots=True)
class PluginLine:
    """One plugin of a section. `shell`: the words behind the `:` go to /bin/sh -c as they stand."""

    section: Section
    command: str
    shell: bool = False
    line: int = 0

    @property
    def argv(self) -> tuple[str, ...]:
        return ("/bin/sh", "-c", self.command) if self.shell else tuple(self.command.split())

    @property
    def program(self) -> str:
        """The first word; for shell lines too, where it is a guess."""
        words = self.command.split()
        return words[0] if words else ""

    def __str__(self) -> str:
        return f":{self.command}" if self.shell else self.command


@dataclass(frozen=True, slots=True)
class SppProblem:
    """What cannot be used in line `line` (from 1), and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class PluginTable:
    plugins: tuple[PluginLine, ...] = ()
    problems: tuple[SppProblem, ...] = ()

    def of(self, section: Section) -> tuple[PluginLine, ...]:
        """Plugins in the order they run."""
        return tuple(one for one in self.plugins if one.section is section)

    @property
    def has_rblspp(self) -> bool:
        return any(is_builtin_rblspp(one) for one in self.plugins)


def parse_plugins(lines: Iterable[str]) -> PluginTable:
    """Only the first letter of a section's name decides. Lines below an unknown section are left out."""
    plugins: list[PluginLine] = []
    problems: list[SppProblem] = []
    section: Section | None = None
    for number, source in enumerate(lines, 1):
        text = source.strip(" \t\r\n")
        if not text or text.startswith("#"):
            continue
        if text.startswith("["):
            section = _BY_LETTER.get(text[1:2].lower())
            if section is None:
                problems.append(SppProblem(number, text, "no such section; what stands below is left out"))
            continue
        shell = text.startswith(":")
        command = text.removeprefix(":").strip(" \t")
        reason = _why_not_plugin(section, command)
        if reason is None and section is not None:
            plugins.append(PluginLine(section, command, shell, number))
        else:
            problems.append(SppProblem(number, text, reason or ""))
    return PluginTable(tuple(plugins), tuple(problems))


def _why_not_plugin(section: Section | None, command: str) -> str | None:
    if section is None:
        return "stands in no known section"
    if not command:
        return "a colon alone runs nothing"
    return "a zero byte cannot be part of a command" if "\0" in command else None


def is_builtin_rblspp(plugin: PluginLine) -> bool:
    """The block list check that spares signed-in users is part of the engine: no process is started."""
    return plugin.program == RBLSPP or plugin.program.endswith(f"/{RBLSPP}")


# What a plugin is told


@dataclass(frozen=True, slots=True)
class PluginFacts:
    """The session as plugins see it; None is not said at all. Addresses without angle brackets."""

    ip: str
    host: str = ""
    port: int = 0
    local_ip: str = ""
    local_host: str = ""
    local_port: int = 0
    info: str = ""
    helo: str | None = None
    sender: str | None = None
    recipient: str | None = None
    accepted_recipients: int | None = None
    tried_recipients: int | None = None
    is_served_domain: bool | None = None
    """Is the recipient's domain one that mail is taken for (rcpthosts)?"""
    login: str | None = None
    login_method: str | None = None


def plugin_environment(facts: PluginFacts, rule: Mapping[str, str]) -> dict[str, str]:
    """TCP* and SMTP* variables, and those of the client's tcp.smtp rule. What plugins set themselves is
    added by the caller, who keeps it for the session."""
    said: dict[str, object | None] = {
        "PROTO": "TCP",
        "TCPREMOTEIP": facts.ip,
        "TCPREMOTEHOST": facts.host or None,
        "TCPREMOTEPORT": facts.port or None,
        "TCPREMOTEINFO": facts.info or None,
        "TCPLOCALIP": facts.local_ip or None,
        "TCPLOCALHOST": facts.local_host or None,
        "TCPLOCALPORT": facts.local_port or None,
        "SMTPHELOHOST": facts.helo,
        "SMTPMAILFROM": facts.sender,
        "SMTPRCPTTO": facts.recipient,
        "SMTPRCPTCOUNT": facts.accepted_recipients,
        "SMTPRCPTCOUNTALL": facts.tried_recipients,
        "SMTPRCPTHOSTSOK": None if facts.is_served_domain is None else int(facts.is_served_domain),
        "SMTPAUTHUSER": facts.login,
        "SMTPAUTHMETHOD": facts.login_method,
    }
    known = {name: str(value).replace("\0", "") for name, value in said.items() if value is not None}
    return {**{name: value for name, value in rule.items() if "\0" not in value}, **known}


# What a plugin says


class Decision(Enum):
    """What a plugin decides about the command it was run for."""

    GO_ON = "go on"
    SKIP_SECTION = "skip section"
    """No further plugins of this section; the server's own checks follow."""
    ACCEPT = "accept"
    """No further plugins of this section and, at MAIL and RCPT, none of the server's own checks."""
    REFUSE = "refuse"
    """Answer `reply` and leave the command undone; close the session if the reply says so."""
    DROP = "drop"
    """Close without a word."""
    FAILED = "failed"
    """The plugin could not be run or broke down; `reply` says so."""


@dataclass(frozen=True, slots=True)
class Decide:
    """A, N, O, E, R, D."""

    decision: Decision
    reply: Reply | None = None
    ends_plugins: bool = False
    """A: no plugin runs any more in this session."""


@dataclass(frozen=True, slots=True)
class RefuseLater:
    """LM, LR, LD: every MAIL, RCPT or DATA of this transaction gets `reply`."""

    at: Section
    reply: Reply


@dataclass(frozen=True, slots=True)
class SetVariable:
    name: str
    value: str | None
    """None: take it out."""


@dataclass(frozen=True, slots=True)
class AddHeader:
    line: str


@dataclass(frozen=True, slots=True)
class ChangeAddress:
    """The sender at MAIL, the recipient at RCPT."""

    address: str


@dataclass(frozen=True, slots=True)
class Note:
    """A text for the log."""

    text: str


Action = Decide | RefuseLater | SetVariable | AddHeader | ChangeAddress | Note

_LATER = {"M": Section.MAIL, "R": Section.RCPT, "D": Section.DATA}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HEADER = re.compile(r"[!-9;-~]+:[ \t]?[^\r\n\0]*\Z")
_REPLY = re.compile(
    r"(?P<code>[45][0-9]{2})(?:[ -](?P<front>[45]\.[0-9]{1,3}\.[0-9]{1,3}(?=\s|\Z))?(?P<text>.*))?\Z"
)
_STATUS = re.compile(r"\s*\(#(?P<status>[245]\.[0-9]{1,3}\.[0-9]{1,3})\)\s*\Z")


def parse_output(output: bytes, section: Section) -> tuple[tuple[Action, ...], tuple[SppProblem, ...]]:
    """The commands in a plugin's output, one a line, and the lines that are none."""
    actions: list[Action] = []
    problems: list[SppProblem] = []
    for number, raw in enumerate(output.decode("utf-8", "surrogateescape").split("\n"), 1):
        line = raw.rstrip("\r")
        if not line:
            continue
        found = _parse_command(line, section)
        if isinstance(found, str):
            problems.append(SppProblem(number, line[:200], found))
        else:
            actions.append(found)
    return tuple(actions), tuple(problems)


def _parse_command(line: str, section: Section) -> Action | str:
    letter, rest = line[0], line[1:]
    if "\0" in line:
        return "a zero byte"
    if letter in _DECISIONS:
        return _DECISIONS[letter] if not rest.strip() else f"{letter} has no text"
    if letter in "ER":
        return Decide(Decision.REFUSE, refusal_reply(rest, close=letter == "R"))
    if letter == "L":
        at = _LATER.get(rest[:1])
        return RefuseLater(at, refusal_reply(rest[1:])) if at else "L must be followed by M, R or D"
    if letter in "SU":
        return _variable(letter, rest)
    if letter == "H":
        return AddHeader(rest) if _HEADER.match(rest) and len(rest) <= MAX_HEADER else "not a header line"
    if letter == "C":
        return _address(rest, section)
    if letter == "P":
        return Note(_printable(rest))
    return "no such command"


_DECISIONS = {
    "A": Decide(Decision.SKIP_SECTION, ends_plugins=True),
    "N": Decide(Decision.SKIP_SECTION),
    "O": Decide(Decision.ACCEPT),
    "D": Decide(Decision.DROP),
}


def _variable(letter: str, rest: str) -> SetVariable | str:
    name, equals, value = rest.partition("=")
    if not _NAME.match(name) or bool(equals) != (letter == "S"):
        return "write Sname=value or Uname"
    return SetVariable(name, value if letter == "S" else None)


def _address(rest: str, section: Section) -> ChangeAddress | str:
    if section not in (Section.MAIL, Section.RCPT):
        return "only at mail and rcpt there is an address to change"
    address = rest.strip().removeprefix("<").removesuffix(">")
    if any(char <= " " or char in "<>" or char == "\x7f" for char in address) or len(address) > 900:
        return "not an address"
    if not address and section is Section.RCPT:
        return "a recipient cannot be empty"
    return ChangeAddress(address)


def refusal_reply(text: str, *, close: bool = False) -> Reply:
    """`550 5.7.1 words` or `550 words (#5.7.1)` as a reply. Without a usable code it is 451: mail is not
    refused for good because of a plugin's spelling."""
    found = _REPLY.match(_printable(text))
    if found is None:
        return Reply(451, "4.3.0", _printable(text).strip()[:MAX_REPLY] or "refused by a plugin", close)
    words, status = (found["text"] or "").strip(), found["front"] or ""
    if (behind := _STATUS.search(words)) is not None:
        words, status = words[: behind.start()], status or behind["status"]
    if status[:1] != found["code"][0]:
        status = ""
    return Reply(int(found["code"]), status, words[:MAX_REPLY] or "refused", close)


def _printable(text: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in text)


# Folding


@dataclass(frozen=True, slots=True)
class PluginOutcome:
    """All that plugins want, in one value. `environment`: variables set (None: taken out), in order.

    `headers` and `later` belong to the transaction: RSET, HELO and the end of a message forget them.
    """

    decision: Decision = Decision.GO_ON
    reply: Reply | None = None
    ends_plugins: bool = False
    later: Mapping[Section, Reply] = field(default_factory=dict)
    environment: Mapping[str, str | None] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    address: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def skips_own_checks(self) -> bool:
        return self.decision is Decision.ACCEPT

    def with_(self, later: PluginOutcome) -> PluginOutcome:
        """This one's effects and then those of a plugin that ran later, whose decision counts."""
        return PluginOutcome(
            later.decision,
            later.reply,
            self.ends_plugins or later.ends_plugins,
            {**later.later, **self.later},
            {**self.environment, **later.environment},
            self.headers + later.headers,
            later.address if later.address is not None else self.address,
            self.notes + later.notes,
        )


FAILED = PluginOutcome(Decision.FAILED, PLUGIN_FAILED)


def fold(actions: Iterable[Action]) -> PluginOutcome:
    """Effects in order up to the first decision; what a plugin says after it counts for nothing.

    Of several refusals for later the first is kept: a command gets one answer.
    """
    outcome = PluginOutcome()
    for action in actions:
        outcome = _folded(outcome, action)
        if isinstance(action, Decide):
            break
    return outcome


def _folded(outcome: PluginOutcome, action: Action) -> PluginOutcome:
    match action:
        case Decide(decision, reply, ends):
            return replace(outcome, decision=decision, reply=reply, ends_plugins=ends)
        case RefuseLater(at, reply):
            return replace(outcome, later={at: reply, **outcome.later})
        case SetVariable(name, value):
            return replace(outcome, environment={**outcome.environment, name: value})
        case AddHeader(line):
            return replace(outcome, headers=(*outcome.headers, line))
        case ChangeAddress(address):
            return replace(outcome, address=address)
        case Note(text):
            return replace(outcome, notes=(*outcome.notes, text))
