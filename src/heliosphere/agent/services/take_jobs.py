"""Run one job: fence it, do it once, say how it went."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from heliosphere.agent.drivers.base import Desk, Driver, Work, no_checkpoint
from heliosphere.agent.drivers.registry import DriverSet
from heliosphere.agent.host.locks import held, stripe
from heliosphere.agent.rules.errors import Cancelled, Refused
from heliosphere.agent.rules.troubles import Verdict, judge
from heliosphere.agent.services.journal import Journal
from heliosphere.contracts.codec import encode
from heliosphere.contracts.jobs import LARGEST_ANSWER, JobEnvelope, JobEvent, JobOutcome, Level

log = logging.getLogger("heliosphere.agent")

Report = Callable[[JobEvent], None]
_VERBS = frozenset({"apply", "remove", "inspect"})
_ASK = ".ask"


class Executor:
    """Takes an envelope to its outcome. Never raises for what a job does; safe for threads and processes.

    A job of an older fence than the object has seen is `stale` and touches nothing. A job that is done (or
    was refused under the same fence) is answered from the journal. One object is worked on by one job at a
    time. `checkpoint` is called between all steps, for tests that kill the process there.
    """

    def __init__(
        self,
        drivers: DriverSet,
        *,
        node: str,
        state_dir: Path,
        checkpoint: Callable[[str], None] = no_checkpoint,
        monotonic: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._drivers = drivers
        self._node = node
        self._locks = state_dir / "locks"
        self._journal = Journal(state_dir / "journal.sqlite3")
        self._checkpoint = checkpoint
        self._monotonic = monotonic
        self._wall_clock = wall_clock

    def recover(self) -> None:
        """Settle what a killed process left half made; call once at start, before the first job."""
        for kind, driver in self._drivers.available.items():
            try:
                driver.recover()
            except Exception:
                log.exception("agent.recover_failed kind=%s", kind)

    def close(self) -> None:
        self._journal.close()

    def run(self, envelope: JobEnvelope, report: Report, cancelled: Callable[[], bool]) -> JobOutcome:
        """Do the job. A caller that loses the outcome may run the envelope again and gets it again."""
        try:
            if envelope.kind.endswith(_ASK):
                return self._answer_to(envelope, report, cancelled)
            with self._alone(envelope):
                return self._answered_or_done(envelope, report, cancelled)
        except Exception as error:
            return self._ended_badly(envelope, error)

    def _alone(self, envelope: JobEnvelope) -> AbstractContextManager[None]:
        return held(stripe(self._locks, envelope.object_key), patience=envelope.time_limit_seconds)

    def _answered_or_done(
        self, envelope: JobEnvelope, report: Report, cancelled: Callable[[], bool]
    ) -> JobOutcome:
        known = self._journal.outcome(envelope.job_id)
        if known is not None and (known.status == "done" or known.fence == envelope.fence):
            return replace(known, fence=envelope.fence)
        highest = self._journal.highest_fence(envelope.object_key)
        if envelope.fence < highest:
            return _outcome(
                envelope, Verdict("stale", "stale", f"Try {highest} of this object already ran here.")
            )
        self._journal.keep_fence(envelope.object_key, envelope.fence)
        self._checkpoint("fence kept")
        outcome = self._judged(envelope, report, cancelled)
        self._checkpoint("before outcome")
        if outcome.status in ("done", "refused"):
            self._journal.keep_outcome(outcome, now=self._wall_clock())
        self._checkpoint("outcome kept")
        return outcome

    def _answer_to(self, envelope: JobEnvelope, report: Report, cancelled: Callable[[], bool]) -> JobOutcome:
        """Without lock, fence or journal: nothing is changed, and the same question may be asked again."""
        desk = self._desk_for(envelope)
        if cancelled():
            raise Cancelled
        found = encode(desk.answer(envelope.spec, self._work_for(envelope, report, cancelled)))
        sent = found.encode("utf-8", "surrogateescape")
        if len(sent) > LARGEST_ANSWER:
            raise Refused("answer_too_large", "The answer is too large to send.", "Ask for less.")
        text = sent.decode("utf-8", "replace")  # bytes of files that are no UTF-8 are shown as a mark
        return JobOutcome(envelope.job_id, envelope.fence, "done", answer=text)

    def _judged(self, envelope: JobEnvelope, report: Report, cancelled: Callable[[], bool]) -> JobOutcome:
        try:
            changes = self._do(envelope, self._work_for(envelope, report, cancelled))
        except Exception as error:
            return self._ended_badly(envelope, error)
        return JobOutcome(envelope.job_id, envelope.fence, "done", changes)

    def _do(self, envelope: JobEnvelope, work: Work) -> tuple[str, ...]:
        driver, verb = self._driver_for(envelope)
        if verb == "apply":
            return driver.apply(envelope.spec, work)
        if verb == "remove":
            return driver.remove(driver.name_of(envelope.spec), work)
        return tuple(step.text for step in driver.plan(envelope.spec))

    def _driver_for(self, envelope: JobEnvelope) -> tuple[Driver, str]:
        kind, verb = self._is_for_us(envelope)
        driver = self._drivers.available.get(kind)
        if driver is None or verb not in _VERBS:
            raise _unknown_kind(envelope)
        if not isinstance(envelope.spec, driver.spec_type):
            raise _wrong_spec(envelope, (driver.spec_type,))
        return driver, verb

    def _desk_for(self, envelope: JobEnvelope) -> Desk:
        desk = self._drivers.desks.get(self._is_for_us(envelope)[0])
        if desk is None:
            raise _unknown_kind(envelope)
        if not isinstance(envelope.spec, desk.question_types):
            raise _wrong_spec(envelope, desk.question_types)
        return desk

    def _is_for_us(self, envelope: JobEnvelope) -> tuple[str, str]:
        """Kind and verb, if this is our node and it is set up for the kind."""
        kind, _, verb = envelope.kind.rpartition(".")
        if envelope.node != self._node:
            raise Refused("wrong_node", f"This is node {self._node}, the job is for {envelope.node}.")
        if kind in self._drivers.missing:
            raise Refused("no_driver", f"This node is not set up for {kind}.", self._drivers.missing[kind])
        return kind, verb

    def _work_for(self, envelope: JobEnvelope, report: Report, cancelled: Callable[[], bool]) -> Work:
        deadline = self._monotonic() + envelope.time_limit_seconds

        def say(text: str, level: Level, step: int, steps: int) -> None:
            report(JobEvent(envelope.job_id, envelope.fence, text, level, step, steps))

        return Work(say, self._checkpoint, cancelled, lambda: deadline - self._monotonic())

    def _ended_badly(self, envelope: JobEnvelope, error: Exception) -> JobOutcome:
        verdict = judge(error)
        if verdict is not None:
            return _outcome(envelope, verdict)
        reference = secrets.token_hex(4)
        log.error("agent.job_crashed job=%s reference=%s", envelope.job_id, reference, exc_info=error)
        return _outcome(
            envelope,
            Verdict(
                "crashed",
                "crashed",
                f"The agent met a fault of its own ({type(error).__name__}), reference {reference}.",
                f"Look for {reference} in the agent's log and report it.",
            ),
        )


def _unknown_kind(envelope: JobEnvelope) -> Refused:
    text = f"This agent does not know the job {envelope.kind!r}."
    return Refused("unknown_kind", text, "Update the agent.")


def _wrong_spec(envelope: JobEnvelope, wanted: tuple[type[Any], ...]) -> Refused:
    names = " or ".join(one.__name__ for one in wanted)
    return Refused("wrong_spec", f"{envelope.kind} needs a {names}.", "Update panel and agent together.")


def _outcome(envelope: JobEnvelope, verdict: Verdict) -> JobOutcome:
    return JobOutcome(
        envelope.job_id,
        envelope.fence,
        verdict.status,
        code=verdict.code,
        message=verdict.message,
        advice=verdict.advice,
    )
