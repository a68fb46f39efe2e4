"""The one shape every driver has, and what it is handed for one job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from heliosphere.agent.config import AgentConfig
from heliosphere.agent.rules.errors import Cancelled, TryLater
from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.contracts.jobs import Level

Say = Callable[[str, Level, int, int], None]


def nothing_said(text: str, level: Level, step: int, steps: int) -> None:
    """For callers that want no live log."""


def no_checkpoint(name: str) -> None:
    """Production's checkpoint; tests put in one that kills the process."""


@dataclass(slots=True)
class Work:
    """What a driver may say and ask during one job.

    `checkpoint` is called between any two things that change the world. `seconds_left` is what remains of
    the job's time limit.
    """

    say: Say = nothing_said
    checkpoint: Callable[[str], None] = no_checkpoint
    cancelled: Callable[[], bool] = lambda: False
    seconds_left: Callable[[], float] = lambda: 60.0

    def run(self, plan: Plan, act: Callable[[Step], None]) -> tuple[str, ...]:
        """Do the steps in order, each said and counted; returns what was done.

        A job is taken back only before its first step: one that has begun to change things is finished.
        """
        for number, step in enumerate(plan, 1):
            if number == 1 and self.cancelled():
                raise Cancelled
            if self.seconds_left() <= 0:
                raise TryLater("time_limit", "The job ran out of time; the rest follows with the next try.")
            self.checkpoint(f"before {step.action}")
            act(step)
            self.say(step.text, "info", number, len(plan))
            self.checkpoint(f"after {step.action}")
        return tuple(step.text for step in plan)


class Driver(Protocol):
    """Applying twice changes once; removing what is gone is success; what others made is never touched."""

    @property
    def kind(self) -> str: ...

    @property
    def spec_type(self) -> type[Any]: ...

    def name_of(self, spec: Any) -> str:
        """What `inspect` and `remove` call the thing that `spec` describes."""
        ...

    def inspect(self, name: str) -> Any:
        """What is there, as a spec, or None."""
        ...

    def plan(self, wanted: Any) -> Plan:
        """What `apply` would do now; changes nothing."""
        ...

    def apply(self, wanted: Any, work: Work) -> tuple[str, ...]:
        """Bring the thing to `wanted`; returns what was changed. Raises Refused, TryLater, Cancelled."""
        ...

    def remove(self, name: str, work: Work) -> tuple[str, ...]: ...

    def recover(self) -> None:
        """Put right what a killed process left half made. Called once at start."""
        ...


class Desk(Protocol):
    """Answers questions about this node. Nothing is changed by one, so asking again is always harmless."""

    @property
    def kind(self) -> str: ...

    @property
    def question_types(self) -> tuple[type[Any], ...]: ...

    def answer(self, question: Any, work: Work) -> Any:
        """A contract. Raises Refused, TryLater."""
        ...


@dataclass(frozen=True, slots=True)
class DeskEntry:
    """What a desk's file declares as ENTRY; see DriverEntry."""

    kind: str
    section: str
    advice: str
    build: Callable[[AgentConfig], Desk]


@dataclass(frozen=True, slots=True)
class DriverEntry:
    """What a driver's file declares as ENTRY. `section` is the part of the configuration it needs."""

    kind: str
    section: str
    advice: str
    build: Callable[[AgentConfig], Driver]
