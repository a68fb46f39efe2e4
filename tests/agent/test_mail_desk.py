"""Controls and questions of the mail server: the driver and the desk on a real tree."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heliosphere.agent.drivers import mail_desk
from heliosphere.agent.drivers.registry import build_drivers
from heliosphere.agent.services import take_jobs
from heliosphere.agent.services.take_jobs import Executor
from heliosphere.contracts.codec import decode
from heliosphere.contracts.jobs import JobEnvelope, JobEvent, JobOutcome
from heliosphere.contracts.mail_server import (
    ControlsFound,
    ExplainSession,
    FindSessions,
    MailControlsSpec,
    ReadControls,
    WhatIf,
)
from tests.agent.jobs import envelope, run_and_die, run_once
from tests.agent.test_mail import DOMAIN, apply, node

WANTED = MailControlsSpec(
    {"badmailfrom": "@junk.test\n@spam.test", "maxrecipients": "20", "helodnscheck": "1"}
)


def control(place: Path, name: str) -> str | None:
    path = place / "mail" / "qmail" / "control" / name
    return path.read_text() if path.exists() else None


def set_controls(place: Path, spec: MailControlsSpec, job: int = 1) -> JobOutcome:
    return run_once(node(place), envelope("mail_controls.apply", spec, job=job, fence=job))


def ask(place: Path, question: Any, **words: Any) -> Any:
    outcome = run_once(node(place), envelope("mail_desk.ask", question, **words))
    assert outcome.status == "done", outcome
    return decode(outcome.answer)


def record(place: Path, number: str = "20260301-1", **changes: Any) -> None:
    """A transaction as the engine writes it down: two recipients of two customers."""
    found = {
        "id": number, "at": "2026-03-01T12:00:00Z", "ip": "192.0.2.7", "host": "mx.far.test", "helo": "far",
        "tls": False, "login": "", "submission": False, "class": "unknown", "size": 0,
        "sender": "eve@junk.test",
        "recipients": [
            {"to": "anna@one.test", "reply": "553 no", "why": "badmailfrom"},
            {"to": "bob@two.test", "reply": "250", "why": ""},
        ],
        "reply": "250 ok", "why": "",
        "trace": [
            ["MAIL", "badmailfrom", "passed", "eve@junk.test"],
            ["RCPT", "badmailfrom", "refused", "anna@one.test", "listed", "badmailfrom", 3, "@junk.test"],
            ["RCPT", "userchk", "passed", "bob@two.test"],
        ],
    }  # fmt: skip
    folder = place / "mail" / "qmail" / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "2026-03-01.jsonl").open("a") as file:
        file.write(json.dumps(found | changes) + "\n")


@pytest.mark.guide("MAIL-CTL-024", "MAIL-CTL-025")
def test_controls_are_set_once_and_taken_away_again(tmp_path: Path) -> None:
    first = set_controls(tmp_path, WANTED)
    again = set_controls(tmp_path, WANTED, job=2)
    assert first.changes == ("set badmailfrom", "set maxrecipients", "set helodnscheck")
    assert (again.status, again.changes) == ("done", ())
    assert (control(tmp_path, "badmailfrom"), control(tmp_path, "helodnscheck")) == (
        "@junk.test\n@spam.test\n",
        "1\n",
    )
    gone = set_controls(tmp_path, MailControlsSpec({"helodnscheck": None}), job=3)
    assert gone.changes == ("put helodnscheck back to its default",)
    assert control(tmp_path, "helodnscheck") is None
    assert control(tmp_path, "maxrecipients") == "20\n"


def test_one_bad_line_and_nothing_is_changed(tmp_path: Path) -> None:
    bad = MailControlsSpec({"helodnscheck": "1", "badhelo": "good.test\n[open"})
    outcome = set_controls(tmp_path, bad)
    assert (outcome.status, outcome.code) == ("refused", "bad_control")
    assert outcome.message.startswith("badhelo, line 2: the bracket is not closed")
    assert control(tmp_path, "helodnscheck") is None


def test_killed_at_any_step_the_next_try_sets_the_rest(tmp_path: Path) -> None:
    for at in itertools.count():
        place = tmp_path / str(at)
        died = run_and_die(node(place), envelope("mail_controls.apply", WANTED), at)
        outcome = run_once(node(place), envelope("mail_controls.apply", WANTED, fence=2))
        assert outcome.status == "done", at
        found = {name: (control(place, name) or "").rstrip("\n") for name in WANTED.values}
        assert found == WANTED.values, at
        if not died:
            break
    assert at > 5, "the kills did not reach the work"


def test_controls_are_not_removable_and_say_what_drifted(tmp_path: Path) -> None:
    set_controls(tmp_path, WANTED)
    removed = run_once(node(tmp_path), envelope("mail_controls.remove", WANTED, job=2, fence=2))
    assert (removed.status, removed.code) == ("refused", "not_removable")
    (tmp_path / "mail/qmail/control/helodnscheck").write_text("0\n")
    drift = run_once(node(tmp_path), envelope("mail_controls.inspect", WANTED, job=3, fence=3))
    assert drift.changes == ("set helodnscheck",)


def test_a_broken_control_is_told_with_its_line(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    (tmp_path / "mail/qmail/control/badhelo").write_bytes(b"good.test\n[open\nna\xefve.test\n")
    found = ask(tmp_path, ReadControls(), job=9)
    assert isinstance(found, ControlsFound)
    state = next(one for one in found.controls if one.name == "badhelo")
    assert state.source == "file"
    assert [(line, text) for line, text, _ in state.problems] == [(2, "[open")]
    assert state.text == "good.test\n[open\nna\N{REPLACEMENT CHARACTER}ve.test\n"


def test_an_explanation_names_the_control_line_that_decides(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    set_controls(tmp_path, MailControlsSpec({"badmailfrom": "# ours\n@junk.test"}), job=2)
    question = ExplainSession("192.0.2.1", "h.test", "eve@junk.test", ("postmaster@one.test",))
    told = ask(tmp_path, question, job=3)
    refused = [check for story in told.stories for check in story.checks if check.verdict == "refused"]
    assert [(one.control, one.line, one.entry) for one in refused] == [("badmailfrom", 2, "@junk.test")]


def test_sessions_are_told_whole_to_the_operator_and_in_part_to_an_owner_of_a_domain(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    record(tmp_path)
    whole = ask(tmp_path, FindSessions()).sessions[0]
    assert [one.address for one in whole.recipients] == ["anna@one.test", "bob@two.test"]
    annas = ask(tmp_path, FindSessions(recipients=("@one.test",))).sessions[0]
    assert [one.address for one in annas.recipients] == ["anna@one.test"]
    assert [about for _, about, _ in annas.trace] == ["eve@junk.test", "anna@one.test"]
    assert (whole.reply, annas.reply) == ("250 ok", "553 no"), "nothing says that somebody else got it"
    bobs = ask(tmp_path, FindSessions(recipients=("@two.test",))).sessions[0]
    assert bobs.reply == "250 ok"
    assert ask(tmp_path, FindSessions(recipients=("@three.test",))).sessions == ()
    assert ask(tmp_path, FindSessions(recipients=("@three.test",), number="20260301-1")).sessions == ()


def test_an_owner_cannot_find_out_who_else_got_the_message(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    record(tmp_path)
    mine = FindSessions(recipients=("@one.test",))
    assert ask(tmp_path, replace(mine, recipient="bob")).sessions == ()
    assert len(ask(tmp_path, replace(mine, recipient="ANNA")).sessions) == 1
    theirs = FindSessions(recipients=("@two.test",), only_refused=True)
    assert ask(tmp_path, theirs).sessions == ()


def test_a_what_if_says_how_far_it_is(tmp_path: Path) -> None:
    apply(tmp_path, DOMAIN)
    for number in range(12):
        record(tmp_path, f"20260301-{number}", sender="eve@fine.test")
    said: list[JobEvent] = []
    executor = Executor(build_drivers(node(tmp_path)), node="local", state_dir=tmp_path / "agent")
    question = envelope("mail_desk.ask", WhatIf({"badmailfrom": "@fine.test"}), job=7)
    outcome = executor.run(question, said.append, lambda: False)
    executor.close()
    changed = decode(outcome.answer)
    assert changed.tried == 12
    assert {(one.recipient, one.becomes[:3]) for one in changed.changes} == {("anna@one.test", "553")}
    assert [(event.step, event.steps) for event in said] == [(0, 12), (10, 12)]


class Bench:
    """An executor whose desk answers as a test says."""

    def __init__(self, place: Path, answer: Any) -> None:
        drivers = build_drivers(node(place))
        self.asked = 0

        class FakeDesk:
            kind = "mail_desk"
            question_types = (ReadControls,)

            def answer(_, question: Any, work: Any) -> Any:
                self.asked += 1
                return answer(work) if callable(answer) else answer

        drivers.desks["mail_desk"] = FakeDesk()
        self.executor = Executor(drivers, node="local", state_dir=place / "agent")

    def run(self, job: JobEnvelope, cancelled: bool = False) -> JobOutcome:
        return self.executor.run(job, lambda event: None, lambda: cancelled)


def test_a_question_is_asked_anew_each_time_and_binds_no_fence(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ControlsFound(trouble="none"))
    question = envelope("mail_desk.ask", ReadControls(), key="q", fence=9)
    assert [bench.run(question).status for _ in range(2)] == ["done", "done"]
    assert bench.run(replace(question, fence=3)).status == "done"
    assert bench.asked == 3
    assert bench.run(question, cancelled=True).status == "cancelled"


def test_an_answer_beyond_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_jobs, "LARGEST_ANSWER", 50)
    outcome = Bench(tmp_path, ControlsFound(trouble="x" * 100)).run(envelope("mail_desk.ask", ReadControls()))
    assert (outcome.status, outcome.code, outcome.answer) == ("refused", "answer_too_large", "")


def test_a_question_of_another_kind_is_refused(tmp_path: Path) -> None:
    outcome = run_once(node(tmp_path), envelope("mail_desk.ask", DOMAIN))
    assert (outcome.status, outcome.code) == ("refused", "wrong_spec")
    assert run_once(node(tmp_path), envelope("fax_desk.ask", ReadControls())).code == "unknown_kind"


def test_what_takes_too_long_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowDesk(mail_desk.MailDesk):  # type: ignore[name-defined,misc]
        async def explain(self, question: Any) -> Any:
            import asyncio

            await asyncio.sleep(30)

    monkeypatch.setattr(mail_desk, "open_desk", lambda section: SlowDesk(Path(section["root"]), None))
    question = ExplainSession("192.0.2.1", "h", "a@b.test", ("c@d.test",))
    began = time.monotonic()
    outcome = run_once(node(tmp_path), replace(envelope("mail_desk.ask", question), time_limit_seconds=1))
    assert time.monotonic() - began < 10
    assert (outcome.status, outcome.code) == ("refused", "too_slow")
    assert "DNS" in outcome.advice
