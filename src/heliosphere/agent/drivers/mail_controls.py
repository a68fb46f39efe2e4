"""Controls of the mail server. One step for each control: a killed change is ended by the next try."""

from __future__ import annotations

from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.base import DriverEntry, Work
from heliosphere.agent.host.mail_desk import MailDesk, check_values, open_desk
from heliosphere.agent.host.mail_store import our_trouble
from heliosphere.agent.rules.errors import Refused
from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.contracts.mail_server import ControlsFound, MailControlsSpec, ReadControls

THING = "mail controls"


class MailControlsDriver:
    kind = "mail_controls"
    spec_type = MailControlsSpec

    def __init__(self, desk: MailDesk) -> None:
        self._desk = desk

    def name_of(self, spec: MailControlsSpec) -> str:
        """There is one set of controls on a node."""
        return THING

    def inspect(self, name: str) -> MailControlsSpec:
        """What is set now; controls that are not set are left out."""
        with our_trouble():
            found = self._desk.ask(ReadControls())
        assert isinstance(found, ControlsFound)
        return MailControlsSpec({one.name: one.text for one in found.controls if one.text is not None})

    def plan(self, wanted: MailControlsSpec) -> Plan:
        """Raises Refused, with control and line, when a single value cannot be used."""
        _check(wanted)
        with our_trouble():
            drift = self._desk.drift(wanted.values)
        return tuple(_step(name, wanted.values[name]) for name in drift)

    def apply(self, wanted: MailControlsSpec, work: Work) -> tuple[str, ...]:
        with our_trouble():
            return work.run(self.plan(wanted), self._set)

    def remove(self, name: str, work: Work) -> tuple[str, ...]:
        text = "A mail server always has its controls."
        raise Refused("not_removable", text, "Set them to their defaults.")

    def recover(self) -> None:
        """Each control is written whole or not at all: there is nothing to settle."""

    def _set(self, step: Step) -> None:
        self._desk.change_controls({step.action: step.value})


def _step(name: str, text: str | None) -> Step:
    """The text says what is done and never repeats a value: the live log is read by many."""
    return Step(name, f"set {name}" if text is not None else f"put {name} back to its default", text)


def _check(wanted: MailControlsSpec) -> None:
    for problem in check_values(wanted.values):
        if not problem.is_remark:
            where = f", line {problem.line}" if problem.line else ""
            text = f"{problem.control}{where}: {problem.why}."
            raise Refused("bad_control", text, "Correct it, then save again.")


def _build(config: AgentConfig) -> MailControlsDriver:
    return MailControlsDriver(open_desk(config.sections["mail"]))


ENTRY = DriverEntry("mail_controls", "mail", "Set up the mail engine on this node.", _build)
