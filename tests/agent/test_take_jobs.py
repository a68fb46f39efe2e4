"""The executor: fences, stored answers, one job at a time, and what each kind of trouble becomes."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliosphere.agent.drivers.base import Work
from heliosphere.agent.drivers.registry import DriverSet
from heliosphere.agent.rules.errors import Refused, TryLater
from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.agent.services.take_jobs import Executor
from heliosphere.contracts.jobs import JobEvent, JobOutcome
from heliosphere.contracts.sites import SiteSpec
from tests.agent.jobs import envelope

SPEC = SiteSpec("one.test", "anna")


class FakeDriver:
    """Counts what it is asked to do; `act` is what happens inside."""

    kind = "web_site"
    spec_type = SiteSpec

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self.applied = 0
        self.act = act

    def name_of(self, spec: SiteSpec) -> str:
        return spec.name

    def inspect(self, name: str) -> Any:
        return None

    def plan(self, wanted: SiteSpec) -> Plan:
        return (Step("do", "do it"), Step("do", "do more"))

    def apply(self, wanted: SiteSpec, work: Work) -> tuple[str, ...]:
        self.applied += 1

        def act(step: Step) -> None:
            self.act()

        return work.run(self.plan(wanted), act)

    def remove(self, name: str, work: Work) -> tuple[str, ...]:
        return ()

    def recover(self) -> None:
        return None


class Bench:
    def __init__(self, state: Path, driver: FakeDriver) -> None:
        drivers = DriverSet({"web_site": driver}, {"dns_zone": "Install pdns-server."})
        self.executor = Executor(drivers, node="local", state_dir=state)
        self.driver = driver
        self.events: list[JobEvent] = []

    def run(self, *, cancelled: bool = False, kind: str = "web_site.apply", **words: Any) -> JobOutcome:
        spec = words.pop("spec", SPEC)
        return self.executor.run(envelope(kind, spec, **words), self.events.append, lambda: cancelled)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, FakeDriver())


def failing(error: Exception) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


def test_a_done_job_says_what_changed_and_reports_each_step(bench: Bench) -> None:
    outcome = bench.run()

    assert (outcome.status, outcome.changes) == ("done", ("do it", "do more"))
    assert [(event.step, event.steps, event.text) for event in bench.events] == [
        (1, 2, "do it"),
        (2, 2, "do more"),
    ]


def test_the_same_job_delivered_again_is_answered_and_not_done_again(bench: Bench) -> None:
    first = bench.run()
    again = bench.run()
    after_lost_result = bench.run(fence=2)

    assert again == first
    assert (after_lost_result.status, after_lost_result.fence) == ("done", 2)
    assert bench.driver.applied == 1


def test_an_answer_outlives_the_agent(bench: Bench, tmp_path: Path) -> None:
    first = bench.run()
    later = Bench(tmp_path, FakeDriver())

    assert later.run() == first
    assert later.driver.applied == 0


def test_an_older_try_is_stale_and_touches_nothing(bench: Bench) -> None:
    bench.run(job=2, fence=7)

    old = bench.run(job=1, fence=6)

    assert old.status == "stale"
    assert bench.driver.applied == 1


def test_fences_of_one_object_do_not_bind_another(bench: Bench) -> None:
    bench.run(job=2, fence=7, key="a")

    assert bench.run(job=1, fence=6, key="b").status == "done"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refused("no_go", "No.", "Do this."), "refused", "no_go"),
        (TryLater("away", "Not now."), "try_later", "away"),
        (ConnectionRefusedError("refused"), "try_later", "service_down"),
        (TimeoutError("slow"), "try_later", "service_down"),
        (OSError(errno.ENOSPC, "No space left on device"), "try_later", "disk_full"),
        (PermissionError(errno.EACCES, "denied", "/x"), "refused", "no_rights"),
        (KeyError("oops"), "crashed", "crashed"),
    ],
)
def test_each_kind_of_trouble_has_its_outcome(
    tmp_path: Path, error: Exception, status: str, code: str
) -> None:
    outcome = Bench(tmp_path, FakeDriver(failing(error))).run()

    assert (outcome.status, outcome.code) == (status, code)
    assert outcome.message


def test_a_job_that_met_a_full_disk_runs_again_and_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeDriver(failing(OSError(errno.ENOSPC, "No space left on device"))))
    bench.run()
    bench.driver.act = lambda: None

    assert bench.run(fence=2).status == "done"


def test_a_refused_job_may_be_retried_with_a_new_fence(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FakeDriver(failing(Refused("no_go", "No."))))
    bench.run()
    bench.driver.act = lambda: None

    assert bench.run().status == "refused", "the same delivery gets the same answer"
    assert bench.run(fence=2).status == "done"


def test_a_crash_names_a_reference_that_is_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = Bench(tmp_path, FakeDriver(failing(KeyError("oops")))).run()

    reference = outcome.message.rsplit(" ", 1)[1].rstrip(".")
    assert reference in caplog.text
    assert "oops" not in outcome.message


def test_a_cancelled_job_changes_nothing(bench: Bench) -> None:
    assert bench.run(cancelled=True).status == "cancelled"
    assert bench.events == []


def test_a_job_that_has_begun_is_finished(tmp_path: Path) -> None:
    taken_back = threading.Event()
    bench = Bench(tmp_path, FakeDriver(taken_back.set))

    outcome = bench.executor.run(envelope("web_site.apply", SPEC), bench.events.append, taken_back.is_set)

    assert outcome.status == "done"


@pytest.mark.parametrize(
    ("kind", "code", "advice"),
    [
        ("dns_zone.apply", "no_driver", "Install pdns-server."),
        ("web_site.explode", "unknown_kind", "Update the agent."),
        ("nonsense", "unknown_kind", "Update the agent."),
    ],
)
def test_what_this_node_cannot_do_is_refused(bench: Bench, kind: str, code: str, advice: str) -> None:
    outcome = bench.run(kind=kind)

    assert (outcome.status, outcome.code, outcome.advice) == ("refused", code, advice)


def test_a_spec_of_another_driver_is_refused(bench: Bench) -> None:
    assert bench.run(spec="text").code == "wrong_spec"


def test_two_jobs_of_one_object_never_run_at_once(tmp_path: Path) -> None:
    inside = threading.Semaphore(1)
    met: list[bool] = []

    def act() -> None:
        met.append(inside.acquire(blocking=False))
        threading.Event().wait(0.02)
        inside.release()

    bench = Bench(tmp_path, FakeDriver(act))
    threads = [threading.Thread(target=bench.run, kwargs={"job": job}) for job in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert met == [True] * 8


def test_inspect_says_what_would_change(bench: Bench) -> None:
    assert bench.run(kind="web_site.inspect").changes == ("do it", "do more")
    assert bench.driver.applied == 0
