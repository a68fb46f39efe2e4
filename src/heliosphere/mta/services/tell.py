"""Explanations and records as the contracts that other programs get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heliosphere.contracts.mail_server import (
    CheckFound,
    ExplainSession,
    RecipientTold,
    SessionTold,
    VerbTold,
    VerdictChange,
)
from heliosphere.mta.rules.findings import TraceLine
from heliosphere.mta.services.explain import VerbStory


def case_of_record(record: Mapping[str, Any]) -> ExplainSession:
    recipients = tuple(one["to"] for one in record.get("recipients", ()))
    return ExplainSession(
        record["ip"], record.get("helo", ""), record.get("sender") or "", recipients,
        record.get("login") or "", bool(record.get("submission")), bool(record.get("tls")),
        int(record.get("size") or 0),
    )  # fmt: skip


def verb_told(story: VerbStory) -> VerbTold:
    facts = tuple((one.asked, one.found) for one in story.facts)
    return VerbTold(
        story.verb, story.said, tuple(map(_check_found, story.checks)), facts, story.replies, story.closed
    )


def _check_found(line: TraceLine) -> CheckFound:
    finding = line.finding
    if finding is None:
        return CheckFound(line.check, line.verdict)
    entry = finding.entry
    return CheckFound(
        line.check, line.verdict, finding.why, finding.control,
        entry.line if entry is not None else 0, str(entry) if entry is not None else "",
    )  # fmt: skip


def verdicts(stories: tuple[VerbStory, ...]) -> dict[str, tuple[str, str]]:
    """The last answer for the sender and for each recipient, with the reason of a refusal."""
    found: dict[str, tuple[str, str]] = {}
    for story in stories:
        if story.verb in ("CONNECT", "MAIL", "RCPT"):
            about = story.said.partition("<")[2].rstrip(">") if story.verb == "RCPT" else ""
            refusals = (one.finding for one in story.checks if one.verdict == "refused")
            why = next((one.why for one in refusals if one is not None), "")
            answer = story.replies[-1] if story.replies else "(hung up)"
            if story.verb == "RCPT" or story.code[:1] not in ("2", ""):
                found[about] = (answer, why)
    return found


def compare(
    record: Mapping[str, Any], before: Mapping[str, tuple[str, str]], after: Mapping[str, tuple[str, str]]
) -> list[VerdictChange]:
    usual = ("250 2.0.0 ok", "")
    return [
        VerdictChange(
            record["id"], record["at"], record["ip"], record.get("sender") or "", about,
            before.get(about, usual)[0], after.get(about, usual)[0], after.get(about, usual)[1],
        )
        for about in {**before, **after}
        if before.get(about, usual)[0][:3] != after.get(about, usual)[0][:3]
    ]  # fmt: skip


def told(record: Mapping[str, Any]) -> SessionTold:
    recipients = tuple(
        RecipientTold(one.get("to", ""), one.get("reply", ""), one.get("why", ""))
        for one in record.get("recipients", ())
    )
    trace = tuple(
        (line[0], line[3], CheckFound(line[1], line[2], *line[4:8])) for line in record.get("trace", ())
    )
    return SessionTold(
        record["id"], record["at"], record["ip"], record.get("host", ""), record.get("helo", ""),
        record.get("sender"), record.get("login") or "", record.get("class", ""), bool(record.get("tls")),
        bool(record.get("submission")), int(record.get("size") or 0), recipients, record.get("reply", ""),
        record.get("why", ""), trace,
    )  # fmt: skip


def only_of(session: SessionTold, allowed: tuple[str, ...]) -> SessionTold:
    """What concerns these addresses or `@domain`s of it: other recipients of the same message, their checks
    and a login elsewhere are nobody's business. All of it when `allowed` is empty."""
    if not allowed:
        return session
    recipients = tuple(one for one in session.recipients if covers(allowed, one.address))
    trace = tuple(line for line in session.trace if line[0] != "RCPT" or covers(allowed, line[1]))
    session = replace(
        session,
        recipients=recipients,
        trace=trace,
        login=session.login if covers(allowed, session.login) else "",
    )
    if not recipients or any(one.reply.startswith("2") for one in recipients):
        return session
    # The message went on to others, or to nobody: what became of it does not concern these.
    trace = tuple(line for line in trace if line[0] != "DATA")
    return replace(session, trace=trace, reply=recipients[-1].reply, why=recipients[-1].why)


def covers(allowed: tuple[str, ...], address: str) -> bool:
    """Whether the address is one of these, or lies in one of these `@domain`s; letter case does not count."""
    address = address.lower()
    domain = "@" + address.rpartition("@")[2]
    return any(one.lower() in (address, domain) for one in allowed)
