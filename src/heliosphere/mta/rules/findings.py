"""What a check found: the reply it wants, and the words for the log and for people who ask why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from heliosphere.contracts.controls.registry import Entry
from heliosphere.mta.rules.replies import Reply


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict. `reply` None lets the client pass with a remark.

    `why` is a short clause for people; `condition` and `kind` are the words of the session log (SNDR,
    ORIG, RCPT, DATA, AUTH, TLS); `control` and `entry` name the line that decided. `drop` ends the
    session without a word; `lists` marks the checks after which quitasap hangs up.
    """

    reply: Reply | None
    why: str
    condition: str = ""
    kind: str = ""
    control: str = ""
    entry: Entry | None = None
    info: str = ""
    drop: bool = False
    hang_up: bool = False


class TraceLine(NamedTuple):
    """One check of one verb: `verdict` is off, exempt, passed, refused, or remark. `about`: the address."""

    verb: str
    check: str
    verdict: str
    finding: Finding | None = None
    about: str = ""
