"""Running rules that ask the DNS, step by step or several at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic

from heliosphere.mta.rules.dns_facts import Asking, DnsAnswer, DnsQuestion, T


class AskingRun(Generic[T]):
    """One asking rule on its way. `start` and `answer` compute and return without waiting, so a caller may
    run each in a thread; in between, `questions` is what must be answered next."""

    def __init__(self, asking: Asking[T]) -> None:
        self._asking = asking
        self._result: list[T] = []
        self.questions: tuple[DnsQuestion, ...] = ()

    @property
    def is_done(self) -> bool:
        return bool(self._result)

    @property
    def result(self) -> T:
        """Only once `is_done`."""
        return self._result[0]

    def start(self) -> None:
        self._advance(None)

    def answer(self, answers: Mapping[DnsQuestion, DnsAnswer]) -> None:
        self._advance(tuple(answers[question] for question in self.questions))

    def _advance(self, answers: tuple[DnsAnswer, ...] | None) -> None:
        try:
            self.questions = next(self._asking) if answers is None else self._asking.send(answers)
        except StopIteration as end:
            self.questions = ()
            self._result.append(end.value)


def together(*runs: AskingRun[Any]) -> Asking[None]:
    """Start all and run them to their ends, asking their questions of each round at once, none twice."""
    for run in runs:
        run.start()
    while waiting := [run for run in runs if not run.is_done]:
        questions = tuple(dict.fromkeys(question for run in waiting for question in run.questions))
        answers = dict(zip(questions, (yield questions), strict=True))
        for run in waiting:
            run.answer(answers)
