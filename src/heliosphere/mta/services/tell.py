"""Explanations and records as the contracts that other programs get."""

from __future__ import annotations

from collections.abc import Mapping
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
from heliosphere.mta.services.explain import Case, VerbStory


def case(question: ExplainSession) -> Case:
    message = question.message.encode("utf-8", "surrogateescape") if question.message is not None else None
    return Case(
        question.ip, question.helo, question.sender, question.recipients, question.login,
        question.submission, question.tls, question.size, message,
    )  # fmt: skip


def case_of_record(record: Mapping[str, Any]) -> Case:
    recipients = tuple(one["to"] for one in record.get("recipients", ()))
    return Case(
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
