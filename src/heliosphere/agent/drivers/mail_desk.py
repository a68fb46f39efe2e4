"""Questions about the mail server: its controls, its sessions, and what a session would get."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.base import DeskEntry, Work
from heliosphere.agent.host.mail_desk import MailDesk, open_desk
from heliosphere.agent.host.mail_store import our_trouble
from heliosphere.agent.rules.errors import Refused, TryLater
from heliosphere.contracts.mail_server import (
    ExplainSession,
    FindSessions,
    MailAnswer,
    MailQuestion,
    ReadControls,
    WhatIf,
)

_SAY_EVERY = 10
Progress = Callable[[int, int], None]


class MailServerDesk:
    kind = "mail_desk"
    question_types = (ReadControls, ExplainSession, FindSessions, WhatIf)

    def __init__(self, desk: MailDesk) -> None:
        self._desk = desk

    def answer(self, question: MailQuestion, work: Work) -> MailAnswer:
        """A person waits: what takes too long is refused with the likely reason, and not tried again."""

        within = max(work.seconds_left(), 1.0)
        try:
            with our_trouble():
                return _aside(lambda say: self._desk.ask(question, within=within, say=say), work)
        except TryLater as trouble:
            if trouble.code != "too_slow":
                raise
            raise Refused(
                "too_slow",
                "The mail server did not find the answer in time.",
                "Name servers that do not answer take longest: see whether the DNS works, then ask again.",
            ) from trouble


def _aside(ask: Callable[[Progress], MailAnswer], work: Work) -> MailAnswer:
    """Ask in a thread of its own and say here how far it is: the engine answers inside an event loop, where
    who listens may not wait for anything (the panel's worker writes to its database)."""
    heard: SimpleQueue[tuple[int, int] | None] = SimpleQueue()
    with ThreadPoolExecutor(1, thread_name_prefix="desk") as pool:
        answer = pool.submit(ask, lambda done, total: heard.put((done, total)))
        answer.add_done_callback(lambda _: heard.put(None))
        while (line := heard.get()) is not None:
            done, total = line
            if done % _SAY_EVERY == 0:
                work.say(f"Gone through {done} of {total} sessions", "info", done, total)
        return answer.result()


def _build(config: AgentConfig) -> MailServerDesk:
    return MailServerDesk(open_desk(config.sections["mail"]))


ENTRY = DeskEntry("mail_desk", "mail", "Set up the mail engine on this node.", _build)
