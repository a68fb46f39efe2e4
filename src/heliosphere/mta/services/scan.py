"""Have a received message checked before it is stored, and decide what becomes of it for each recipient."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.content import decision
from heliosphere.mta.rules.content.decision import Fate, Refusal, ScanPolicy, Wishes
from heliosphere.mta.rules.content.headers import with_subject_tag, without_verdicts
from heliosphere.mta.rules.content.policy import SpamPolicy, VirusPolicy
from heliosphere.mta.rules.content.results import SpamResult, TooBig, Unavailable, VirusResult
from heliosphere.mta.rules.content.signatures import Hit
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.services.ports import EventLog

MAX_SPAM_SCANS = 4
"""Of one message. Recipients with further preferences share the first scan; their own score, lists and
action apply all the same."""


class VirusScanner(Protocol):
    async def scan(self, message: Sequence[bytes]) -> VirusResult:
        """Bounded in time; never raises for trouble with the scanner."""


class SpamScanner(Protocol):
    async def check(self, message: Sequence[bytes], user: str = "") -> SpamResult:
        """Bounded in time; never raises for trouble with the scanner. `user` names preferences."""


class ScanClients(Protocol):
    """Who has which checks. May raise TryLater or OSError: nobody knows."""

    def virus_policy(self, recipient: Address) -> VirusPolicy | None: ...

    def spam_policy(self, recipient: Address) -> SpamPolicy | None: ...


@dataclass(frozen=True, slots=True)
class Variant:
    """One form of the message, and who gets it. `folder` as in Fate."""

    recipients: tuple[Address, ...]
    folder: str = ""
    fields: bytes = b""
    subject_tag: str = ""

    def message(self, original: bytes) -> bytes:
        """`original` itself where nothing was found out; else with fields on top and tagged subject."""
        if not self.fields:
            return original
        message = without_verdicts(original)
        return self.fields + (with_subject_tag(message, self.subject_tag) if self.subject_tag else message)


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """`refusal` None: take the message, and do with it what `fates` says of each recipient."""

    refusal: Refusal | None
    fates: Mapping[Address, Fate] = field(default_factory=dict)

    @property
    def reply(self) -> Reply | None:
        return self.refusal.reply if self.refusal is not None else None

    @property
    def dropped(self) -> tuple[Address, ...]:
        """They asked for such mail to be thrown away."""
        return tuple(recipient for recipient, fate in self.fates.items() if fate.drop)

    def variants(self) -> tuple[Variant, ...]:
        """Recipients who get the same thing together, so that it is stored once."""
        groups: dict[tuple[str, bytes, str], list[Address]] = {}
        for recipient, fate in self.fates.items():
            if not fate.drop:
                groups.setdefault((fate.folder, fate.fields, fate.subject_tag), []).append(recipient)
        return tuple(Variant(tuple(recipients), *what) for what, recipients in groups.items())


@dataclass(frozen=True, slots=True)
class Scanner:
    """A scanner that is None is not installed: its check is left out, whoever is enrolled."""

    virus: VirusScanner | None
    spam: SpamScanner | None
    clients: ScanClients
    log: EventLog

    async def judge(
        self,
        message: Sequence[bytes],
        sender: Address,
        recipients: Sequence[Address],
        client_class: str,
        policy: ScanPolicy,
        hit: Hit | None = None,
    ) -> ScanOutcome:
        """What to answer and where the message goes; never raises for trouble with scanners or lists.

        `message` in pieces, `hit` from the ContentFilter that saw it, `client_class` as in rule G11: none,
        mfrelay, static, dynamic or auth.
        """
        task = _Judging(self, message, sender, client_class, policy, tuple(dict.fromkeys(recipients)))
        outcome = await task.run(hit)
        self._log(outcome, sender)
        return outcome

    def _log(self, outcome: ScanOutcome, sender: Address) -> None:
        if outcome.refusal is not None:
            self.log.event(
                "scan.refused", condition=outcome.refusal.condition, info=outcome.refusal.info, sender=sender
            )
        for recipient, fate in outcome.fates.items():
            if fate.drop:
                self.log.event("scan.removed", rcpt=recipient, sender=sender, status=fate.statistic)
            elif fate.folder:
                self.log.event("scan.moved", rcpt=recipient, sender=sender, folder=fate.folder)


@dataclass(frozen=True, slots=True)
class _Judging:
    """One message on its way through the checks."""

    desk: Scanner
    message: Sequence[bytes]
    sender: Address
    client_class: str
    policy: ScanPolicy
    recipients: tuple[Address, ...]

    async def run(self, hit: Hit | None) -> ScanOutcome:
        virus = await self._virus(hit)
        if isinstance(virus, Refusal):
            return ScanOutcome(virus)
        # A message that was found infected needs no second opinion.
        left = tuple(one for one in self.recipients if not _is_settled(virus.get(one)))
        quarantined = any(fate.folder for fate in virus.values())
        spam = await self._spam(left, others_want_it=quarantined)
        if isinstance(spam, Refusal):
            return ScanOutcome(spam)
        fates = {
            one: decision.both(virus.get(one, decision.DELIVERED), spam.get(one, decision.DELIVERED))
            for one in self.recipients
        }
        return ScanOutcome(None, fates)

    async def _virus(self, hit: Hit | None) -> Refusal | dict[Address, Fate]:
        try:
            wishes = {one: Wishes(virus=self.desk.clients.virus_policy(one)) for one in self.recipients}
        except (TryLater, OSError) as trouble:
            if decision.skips(self.policy.skipcachk, self.client_class):
                return {}
            self._unscanned("clamavclients", trouble)
            return decision.scan_later(str(trouble))
        duties = decision.virus_duties(wishes, self.client_class, self.policy)
        refusal = decision.judge_hit(hit, duties)
        if refusal is not None or not duties or self.desk.virus is None:
            return refusal or {}
        result = await self.desk.virus.scan(self.message)
        if isinstance(result, Unavailable | TooBig):
            self._unscanned("clamd", result.reason if isinstance(result, Unavailable) else "message too big")
        return decision.judge_virus(duties, result, self.policy)

    async def _spam(
        self, recipients: tuple[Address, ...], *, others_want_it: bool
    ) -> Refusal | dict[Address, Fate]:
        try:
            wishes = {one: Wishes(spam=self.desk.clients.spam_policy(one)) for one in recipients}
        except (TryLater, OSError) as trouble:
            self._unscanned("spamdclients", trouble)
            return {}
        duties = decision.spam_duties(wishes, self.client_class, self.policy)
        if not duties:
            return {}
        results = await self._scores(duties)
        others_want_it = others_want_it or any(one not in duties for one in recipients)
        return decision.judge_spam(duties, results, self.sender, others_want_it)

    async def _scores(self, duties: Mapping[Address, SpamPolicy]) -> dict[Address, SpamResult]:
        size = sum(map(len, self.message))
        asking = {one: wish for one, wish in duties.items() if decision.needs_score(wish, self.sender)}
        if self.desk.spam is None or not asking or decision.is_too_big_for_spam(size, self.policy):
            return {}
        users = list(dict.fromkeys(wish.user for wish in asking.values()))[:MAX_SPAM_SCANS]
        results = await asyncio.gather(*(self.desk.spam.check(self.message, user) for user in users))
        by_user = dict(zip(users, results, strict=True))
        for result in results:
            if isinstance(result, Unavailable):
                self._unscanned("spamd", result.reason)
        return {one: by_user.get(wish.user, results[0]) for one, wish in asking.items()}

    def _unscanned(self, what: str, reason: object) -> None:
        self.desk.log.event("scan.unscanned", what=what, reason=str(reason), sender=self.sender)


def _is_settled(fate: Fate | None) -> bool:
    """Removed or quarantined; a mere remark settles nothing."""
    return fate is not None and (fate.drop or bool(fate.folder))
