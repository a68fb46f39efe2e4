"""What a check is, and how a table of them is run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import cast

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.facts import Fact, Unavailable
from heliosphere.mta.rules.findings import Finding, TraceLine
from heliosphere.mta.rules.plugins.spp import Section
from heliosphere.mta.rules.session import Session, SmtpPolicy


@dataclass(frozen=True, slots=True)
class Gather:
    """Answer with a mapping from each fact to its value, or to Unavailable."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Answer after that many seconds, with anything."""

    seconds: int


@dataclass(frozen=True, slots=True)
class RunPlugins:
    """Answer with PluginOutcome. `address` is the sender or recipient the verb is about."""

    section: Section
    address: str = ""


Asked = Gather | Wait | RunPlugins
Judging = Generator[Asked, object, Finding | None]


def _always(policy: SmtpPolicy) -> bool:
    return True


def _never(session: Session) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Check:
    """One row of a table.

    `judge` returns a Finding with the reply that refuses, a Finding without one as a remark, or None.
    `is_on` tells from the policy whether the row does anything at all; `is_exempt` whether this client is
    spared. `needs` are the facts that `judge` reads. `quits` is for quitasap.
    """

    name: str
    judge: Callable[[Session, Address], Finding | None]
    is_on: Callable[[SmtpPolicy], bool] = _always
    is_exempt: Callable[[Session], bool] = _never
    needs: Callable[[Session, Address], Iterable[Fact]] | None = None
    quits: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A row that does something else than judge: it waits, or runs plugins."""

    name: str
    act: Callable[[Session, Address], Judging]
    is_on: Callable[[SmtpPolicy], bool] = _always


Table = tuple[Check | Step, ...]

TAKEN_AT_ONCE = Finding(None, "a plugin took it without further checks")
"""A step that returns this ends the table: the client passes."""


def active(table: Table, policy: SmtpPolicy) -> Table:
    """The rows that do anything under `policy`."""
    return tuple(row for row in table if row.is_on(policy))


def run(table: Table, verb: str, session: Session, address: Address) -> Judging:
    """Go through the rows; the first that refuses decides. None: the client passes."""
    trace = session.trace
    for place, row in enumerate(table):
        if trace is not None and not row.is_on(session.policy):
            trace.append(TraceLine(verb, row.name, "off", about=str(address)))
            continue
        if isinstance(row, Step):
            finding = yield from row.act(session, address)
            address = session.changed_address or address
            if finding is TAKEN_AT_ONCE:
                _note(trace, verb, row, finding, address)
                return None
        elif row.is_exempt(session):
            if trace is not None:
                trace.append(TraceLine(verb, row.name, "exempt", about=str(address)))
            continue
        else:
            if row.needs is not None:
                yield from _fetch(table[place:], session, address)
            finding = _judge(row, session, address)
        _note(trace, verb, row, finding, address)
        if finding is None:
            continue
        if finding.reply is not None or finding.drop:
            return finding
        session.remarks.append(finding)
    return None


def _judge(row: Check, session: Session, address: Address) -> Finding | None:
    if row.needs is not None:
        for fact in row.needs(session, address):
            known = session.facts[fact]
            if isinstance(known, Unavailable):
                return Finding(replies.LOOK_UP_LATER, known.reason, "Lookup_Failed", "SNDR", row.name)
    finding = row.judge(session, address)
    if not row.quits or not session.policy.quitasap or finding is None or finding.reply is None:
        return finding
    return replace(finding, hang_up=True) if finding.reply.code >= 500 else finding


def _fetch(rows: Table, session: Session, address: Address) -> Generator[Asked, object, None]:
    """Get what the first row needs, and with it what later rows will need, up to the next step."""
    first = rows[0]
    assert isinstance(first, Check)
    assert first.needs is not None
    facts = session.facts
    if all(fact in facts for fact in first.needs(session, address)):
        return
    wanted: list[Fact] = []
    for row in rows:
        if isinstance(row, Step):
            break
        if row.needs is None or not row.is_on(session.policy) or row.is_exempt(session):
            continue
        wanted += [fact for fact in row.needs(session, address) if fact not in facts and fact not in wanted]
    found = yield Gather(tuple(wanted))
    facts.update(cast(dict[Fact, object], found))


def _note(
    trace: list[TraceLine] | None, verb: str, row: Check | Step, finding: Finding | None, address: Address
) -> None:
    if trace is None:
        return
    if finding is None:
        verdict = "passed"
    elif finding.reply is not None or finding.drop:
        verdict = "refused"
    else:
        verdict = "remark"
    trace.append(TraceLine(verb, row.name, verdict, finding, str(address)))
