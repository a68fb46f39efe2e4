"""The mail engine's desk: questions about a tree and changes of its controls, for other programs.

With `store` the only door to the engine. Works whether the engine runs or not, and never in its way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from heliosphere.contracts.controls import REGISTRY, smtpd
from heliosphere.contracts.controls.registry import (
    BadValue,
    Snapshot,
    read_options,
    read_value,
    set_option,
)
from heliosphere.contracts.mail_server import (
    Changed,
    ControlsFound,
    ControlState,
    ExplainSession,
    Explanation,
    FindSessions,
    MailAnswer,
    MailQuestion,
    ReadControls,
    SessionsFound,
    VerdictChange,
    WhatIf,
)
from heliosphere.mta.adapters.files.atomic_files import remove_file, write_atomic
from heliosphere.mta.adapters.files.control_files import ControlFiles, snapshot_of
from heliosphere.mta.adapters.files.filter_clients import FilterClients
from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.adapters.filters.scanners import scanner_for
from heliosphere.mta.adapters.logs.session_records import SessionRecords
from heliosphere.mta.adapters.network.clients_by_rule import ClientsByRule
from heliosphere.mta.adapters.network.dns_cache import CachedDns
from heliosphere.mta.adapters.network.own_addresses import own_addresses
from heliosphere.mta.adapters.network.tls_context import ServerCertificate
from heliosphere.mta.adapters.store.greylist_store import GreylistStore
from heliosphere.mta.adapters.store.mailbox_directory import MailboxDirectory
from heliosphere.mta.adapters.store.vpopmail_tree import VpopmailTree
from heliosphere.mta.controls.policy import CompiledControls
from heliosphere.mta.rules.clients.greylisting import GreylistDecision, GreylistSettings
from heliosphere.mta.rules.errors import Refused, TryLater
from heliosphere.mta.services.check_message import ContentSettings, MessageChecker, content_settings
from heliosphere.mta.services.explain import Explainer
from heliosphere.mta.services.find_facts import FactFinder
from heliosphere.mta.services.tell import (
    case_of_record,
    compare,
    covers,
    only_of,
    told,
    verb_told,
    verdicts,
)

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]


class _Silent:
    """Questions leave no trace in the engine's log."""

    def event(self, name: str, **fields: object) -> None:
        """Nothing to write."""


@dataclass(slots=True)
class _Peek:
    """The greylist as it stands, without a new entry."""

    store: GreylistStore
    controls: ControlFiles
    clock: Clock

    async def judge(self, ip: str, sender: str, recipient: str) -> GreylistDecision:
        settings = GreylistSettings(delay=self.controls.snapshot()[smtpd.GREYLISTDELAY])
        now = int(self.clock().timestamp())
        return await asyncio.to_thread(self.store.peek, ip, sender, recipient, now, settings)


@dataclass(slots=True)
class MailDesk:
    """`resolver` (address, port) is the DNS server to ask, the machine's own when None."""

    root: Path
    clock: Clock
    resolver: tuple[str, int] | None = None
    _log: _Silent = field(default_factory=_Silent)

    def ask(
        self, question: MailQuestion, *, within: float | None = None, say: Progress = lambda done, total: None
    ) -> MailAnswer:
        """Raises TryLater when the tree cannot be read, and with the code `too-slow` after `within` seconds.

        `say` hears how many of how many recorded transactions a what-if has gone through.
        """
        if isinstance(question, ReadControls):
            return self.read_controls()
        if isinstance(question, FindSessions):
            return self.find_sessions(question)
        try:
            return asyncio.run(asyncio.wait_for(self._ask(question, say), within))
        except TimeoutError as error:
            raise TryLater("too-slow", f"there was no answer within {within:.0f} seconds") from error

    # Controls

    def read_controls(self) -> ControlsFound:
        """Every control a panel may show; secrets and files it has no say in are left out."""
        files = ControlFiles(self._control)
        try:
            texts, snapshot = files.texts(), files.snapshot()
        except TryLater as trouble:
            return ControlsFound(trouble=str(trouble))
        states = []
        for control in REGISTRY:
            if control.secret:
                continue
            text, source = texts.get(control.name, (None, "default"))
            bad = (one for one in snapshot.bad if one.control == control.name)
            problems = tuple((one.line, one.found, one.why) for one in bad)
            states.append(ControlState(control.name, text, source, problems))
        return ControlsFound(tuple(states), tuple(files.unknown_files()))

    def change_controls(self, values: Mapping[str, str | None]) -> tuple[str, ...]:
        """Make the controls so, all or none checked first; the names that were changed.

        Raises Refused naming control and line of what cannot be used.
        """
        problems = [one for one in check_values(values) if not one.is_remark]
        if problems:
            first = problems[0]
            where = f", line {first.line}" if first.line > 1 else ""
            raise Refused("bad-control", f"{first.control}{where}: {first.why}: {first.found!r}")
        return tuple(name for name, text in values.items() if self._set(name, text))

    def drift(self, values: Mapping[str, str | None]) -> tuple[str, ...]:
        """The controls that are not as `values` says."""
        texts = ControlFiles(self._control).texts()
        return tuple(name for name, text in values.items() if not _is_same(name, texts, text))

    def _set(self, name: str, text: str | None) -> bool:
        texts = ControlFiles(self._control).texts()
        if _is_same(name, texts, text):
            return False
        path = self._control / name
        if text is not None:
            write_atomic(path, (text.rstrip("\n") + "\n").encode("utf-8", "surrogateescape"), 0o644)
            return True
        remove_file(path)
        options = self._control / "options"
        if options.exists():
            old = options.read_text("utf-8", "surrogateescape")
            if name in read_options(old):
                write_atomic(options, set_option(old, name, None).encode("utf-8", "surrogateescape"), 0o644)
        return True

    # Sessions

    def find_sessions(self, question: FindSessions) -> SessionsFound:
        records = self._records()
        if question.number:
            record = records.find(question.number)
            found = [record] if record is not None and _is_wanted(record, question) else []
        else:
            limit = max(1, min(question.limit, 1000))
            found = records.latest(limit, lambda record: _is_wanted(record, question), look_at=200_000)
        sessions = (only_of(told(record), question.recipients) for record in found)
        return SessionsFound(
            tuple(one if question.with_trace else replace(one, trace=()) for one in sessions)
        )

    # Explanations

    async def _ask(self, question: ExplainSession | WhatIf, say: Progress) -> MailAnswer:
        if isinstance(question, ExplainSession):
            return await self.explain(question)
        return await self.what_if(question, say)

    async def explain(self, question: ExplainSession) -> Explanation:
        snapshot = ControlFiles(self._control).snapshot()
        stories = await self._explainer().explain(question, *self._compiled(snapshot))
        return Explanation(tuple(verb_told(story) for story in stories))

    async def what_if(self, question: WhatIf, say: Progress = lambda done, total: None) -> Changed:
        """Each recorded transaction is gone through twice, with the same facts: once with the controls as
        they are, once as they would be."""
        problems = tuple((one.control, one.line, one.why) for one in check_values(question.values))
        texts = {name: text for name, (text, _) in ControlFiles(self._control).texts().items()}
        edited = {name: text for name, text in (texts | dict(question.values)).items() if text is not None}
        now, then = self._compiled(snapshot_of(texts)), self._compiled(snapshot_of(edited))
        explainer, changes = self._explainer(), list[VerdictChange]()
        records = self._records().latest(max(1, min(question.count, 1000)), lambda record: True)
        for done, record in enumerate(records):
            say(done, len(records))
            again = case_of_record(record)
            before = verdicts(await explainer.explain(again, *now))
            after = verdicts(await explainer.explain(again, *then))
            changes += compare(record, before, after)
        return Changed(len(records), tuple(changes), problems)

    # Parts

    @property
    def _control(self) -> Path:
        return self.root / "qmail" / "control"

    def _records(self) -> SessionRecords:
        return SessionRecords(self.root / "qmail" / "sessions", self.clock, lambda: 0)

    def _explainer(self) -> Explainer:
        controls = ControlFiles(self._control)
        directory = MailboxDirectory(VpopmailTree(self.root, self.clock), controls, self.clock)
        greylist = GreylistStore(self.root / "qmail" / "greylist.sqlite", self._log)
        dns = CachedDns(time.monotonic, self.resolver)
        facts = FactFinder(directory, dns, _Peek(greylist, controls, self.clock), self._log)
        rules = RelayFiles(self.root, self.clock)
        clients = ClientsByRule(rules, controls, self.clock, own_addresses())
        return Explainer(facts, MessageChecker(facts, self.clock), clients)

    def _compiled(self, snapshot: Snapshot) -> tuple[CompiledControls, ContentSettings]:
        certificate = ServerCertificate(self._control / "servercert.pem")
        compiled = CompiledControls(snapshot, has_certificate=certificate.context() is not None)
        scanner = scanner_for(snapshot, FilterClients(self._control), self._log)
        return compiled, content_settings(snapshot, scanner)


def check_values(values: Mapping[str, str | None]) -> list[BadValue]:
    """What is wrong with these texts of controls, by control and line."""
    found: list[BadValue] = []
    for name, text in values.items():
        control = REGISTRY.get(name)
        if control is None:
            found.append(BadValue(name, "", "", 0, "there is no such control"))
        elif "\0" in (text or ""):
            found.append(BadValue(name, "", "", 0, "a control cannot hold a zero byte"))
        elif text is not None:
            found += read_value(control, text)[1]
    return found


def _is_same(name: str, texts: Mapping[str, tuple[str, str]], wanted: str | None) -> bool:
    found = texts.get(name)
    if found is None or wanted is None:
        return found is None and wanted is None
    return found[0].rstrip("\n") == wanted.rstrip("\n")


def _is_wanted(record: Mapping[str, Any], question: FindSessions) -> bool:
    """Judged by what the question may see of the record alone, so that its answer betrays nothing else."""
    seen = [one for one in record.get("recipients", ()) if _may_see(question.recipients, one)]
    if question.recipients and not seen:
        return False
    if question.only_refused and not _has_refusal(record.get("reply", ""), seen):
        return False
    wanted = question.recipient.lower()
    return (
        question.sender.lower() in str(record.get("sender") or "").lower()
        and (not wanted or any(wanted in str(one.get("to", "")).lower() for one in seen))
        and question.ip in str(record.get("ip", ""))
    )


def _may_see(allowed: tuple[str, ...], recipient: Mapping[str, Any]) -> bool:
    return not allowed or covers(allowed, str(recipient.get("to", "")))


def _has_refusal(reply: str, recipients: list[Mapping[str, Any]]) -> bool:
    answers = [reply, *(one.get("reply", "") for one in recipients)]
    return any(str(one)[:1] not in ("2", "3") for one in answers)
