"""What the panel asks of a mail server, and what it wants its controls to be."""

from __future__ import annotations

from dataclasses import dataclass, field

from heliosphere.contracts.codec import contract


@contract("mail-controls")
@dataclass(frozen=True, slots=True)
class MailControlsSpec:
    """Controls as they should be: the text of each file, None for the default. Others stay as they are."""

    values: dict[str, str | None] = field(default_factory=dict)


@contract("mail-read-controls")
@dataclass(frozen=True, slots=True)
class ReadControls:
    """Answer: ControlsFound."""


@contract("mail-control-state")
@dataclass(frozen=True, slots=True)
class ControlState:
    """`text` None: not set. `source` is file, options or default. `problems` are (line, text, why)."""

    name: str
    text: str | None
    source: str
    problems: tuple[tuple[int, str, str], ...] = ()


@contract("mail-controls-found")
@dataclass(frozen=True, slots=True)
class ControlsFound:
    """`unknown` are files that no control of the engine reads; `trouble` is set when reading failed."""

    controls: tuple[ControlState, ...] = ()
    unknown: tuple[str, ...] = ()
    trouble: str = ""


@contract("mail-explain")
@dataclass(frozen=True, slots=True)
class ExplainSession:
    """A hypothetical session. Answer: Explanation. `message` is a message's text, None to stop at RCPT."""

    ip: str
    helo: str
    sender: str
    recipients: tuple[str, ...]
    login: str = ""
    submission: bool = False
    tls: bool = False
    size: int = 0
    message: str | None = None


@contract("mail-check-found")
@dataclass(frozen=True, slots=True)
class CheckFound:
    """What one check said: `verdict` is off, exempt, passed, refused or remark. `control`, `line` and
    `entry` name the line of a control that decided."""

    check: str
    verdict: str
    why: str = ""
    control: str = ""
    line: int = 0
    entry: str = ""


@contract("mail-verb-story")
@dataclass(frozen=True, slots=True)
class VerbTold:
    """One command of a session. `facts` are (asked, found)."""

    verb: str
    said: str
    checks: tuple[CheckFound, ...]
    facts: tuple[tuple[str, str], ...]
    replies: tuple[str, ...]
    closed: bool = False


@contract("mail-explanation")
@dataclass(frozen=True, slots=True)
class Explanation:
    stories: tuple[VerbTold, ...]


@contract("mail-find-sessions")
@dataclass(frozen=True, slots=True)
class FindSessions:
    """The last recorded transactions, newest first. Answer: SessionsFound.

    `recipients` limits to records that name one of these addresses or `@domain`, and to what concerns them
    in each record; empty: no limit. Other fields are parts of what is looked for, `number` is exact.
    """

    limit: int = 50
    recipients: tuple[str, ...] = ()
    sender: str = ""
    recipient: str = ""
    ip: str = ""
    number: str = ""
    only_refused: bool = False
    with_trace: bool = True


@contract("mail-session-recipient")
@dataclass(frozen=True, slots=True)
class RecipientTold:
    address: str
    reply: str
    why: str = ""


@contract("mail-session")
@dataclass(frozen=True, slots=True)
class SessionTold:
    """A recorded transaction. `at` in UTC, ISO 8601. `trace` has (verb, about, check) in order."""

    number: str
    at: str
    ip: str
    host: str
    helo: str
    sender: str | None
    login: str
    client_class: str
    tls: bool
    submission: bool
    size: int
    recipients: tuple[RecipientTold, ...]
    reply: str
    why: str
    trace: tuple[tuple[str, str, CheckFound], ...] = ()


@contract("mail-sessions-found")
@dataclass(frozen=True, slots=True)
class SessionsFound:
    sessions: tuple[SessionTold, ...]


@contract("mail-what-if")
@dataclass(frozen=True, slots=True)
class WhatIf:
    """Which verdicts of the last `count` recorded transactions would `values` change? Answer: Changed."""

    values: dict[str, str | None]
    count: int = 100


@contract("mail-verdict-change")
@dataclass(frozen=True, slots=True)
class VerdictChange:
    number: str
    at: str
    ip: str
    sender: str
    recipient: str
    was: str
    becomes: str
    why: str = ""


@contract("mail-changed")
@dataclass(frozen=True, slots=True)
class Changed:
    """`tried` transactions were gone through. `problems` are (control, line, why) of the new values."""

    tried: int
    changes: tuple[VerdictChange, ...]
    problems: tuple[tuple[str, int, str], ...] = ()


MailQuestion = ReadControls | ExplainSession | FindSessions | WhatIf
MailAnswer = ControlsFound | Explanation | SessionsFound | Changed
