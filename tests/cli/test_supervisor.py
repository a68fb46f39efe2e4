"""The supervisor over tiny processes: order, crashes, back-off, clean stops, leftovers of killed houses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from heliosphere.cli.house import lock
from heliosphere.cli.house.child import pause_before
from heliosphere.cli.house.records import Records, start_mark
from heliosphere.cli.house.supervisor import StartFailed, Supervisor, in_order
from tests.cli.fakes import (
    STAYS,
    Said,
    component,
    diary,
    house_at,
    is_up,
    noting,
    wait_until,
    watching,
)


def test_components_start_after_what_they_need_and_stop_in_reverse(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    parts = [
        component("roof", noting("roof"), needs=("walls",), ready=is_up("roof")),
        component("walls", noting("walls"), needs=("ground",), ready=is_up("walls")),
        component("ground", noting("ground"), ready=is_up("ground")),
    ]

    with watching(Supervisor(house, parts, Said())):
        pass

    assert diary(house) == [
        "start ground",
        "start walls",
        "start roof",
        "end roof",
        "end walls",
        "end ground",
    ]


def test_a_circle_of_needs_is_a_bug_that_is_named() -> None:
    with pytest.raises(ValueError, match="circle"):
        in_order([component("a", needs=("b",)), component("b", needs=("a",))])


def test_a_crashed_child_is_shown_and_started_again(tmp_path: Path) -> None:
    house, said = house_at(tmp_path), Said()
    supervisor = Supervisor(house, [component("frail", noting("frail"), ready=is_up("frail"))], said)

    with watching(supervisor):
        pid = Records(house.places.run / "children.json").orphans()[0]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: diary(house).count("start frail") == 2)
        wait_until(lambda: said.has("frail", "started again"))

    assert said.has("frail", "was ended by signal SIGKILL", "again in 0.5 s", "frail.log")


def test_the_pause_grows_with_each_crash_up_to_half_a_minute() -> None:
    assert [pause_before(count) for count in (1, 2, 3, 6, 7, 8, 5000)] == [0.5, 1, 2, 16, 30, 30, 30]


def test_a_component_that_never_starts_stops_the_start_with_its_last_words(tmp_path: Path) -> None:
    broken = component("broken", "import sys; sys.exit('the file x is missing')")
    broken = replace(broken, ready=lambda house: False)
    supervisor = Supervisor(house_at(tmp_path), [broken], Said())

    with pytest.raises(StartFailed) as failed:
        supervisor.start()
    supervisor.stop()

    assert "broken ended by itself with exit code 1" in str(failed.value)
    assert "the file x is missing" in str(failed.value)


def test_a_component_that_does_not_answer_in_time_is_named(tmp_path: Path) -> None:
    deaf = component("deaf", ready=lambda house: False, patience=0.3)
    supervisor = Supervisor(house_at(tmp_path), [deaf], Said())

    with pytest.raises(StartFailed, match="deaf does not answer"):
        supervisor.start()
    supervisor.stop()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    ghost = replace(component("ghost"), argv=lambda house: ["/nowhere/ghost"])
    supervisor = Supervisor(house_at(tmp_path), [ghost], Said())

    with pytest.raises(StartFailed, match="ghost cannot be started"):
        supervisor.start()
    supervisor.stop()


def test_a_task_runs_once_and_what_needs_it_waits(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    task = component("task", "import sys; open(sys.argv[1] + '/made', 'w')", once=True)
    user = component("user", "import sys; open(sys.argv[1] + '/made'); " + STAYS, needs=("task",))

    with watching(Supervisor(house, [user, task], Said())):
        assert (house.places.data / "made").exists()


def test_a_task_done_before_is_left_out(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    task = component("task", "import sys; sys.exit(1)", once=True, skip=lambda house: True)

    with watching(Supervisor(house, [task], Said())):
        pass


def test_a_task_that_fails_stops_the_start(tmp_path: Path) -> None:
    task = component("task", "import sys; sys.exit('no tables')", once=True)
    supervisor = Supervisor(house_at(tmp_path), [task], Said())

    with pytest.raises(StartFailed, match="no tables"):
        supervisor.start()
    supervisor.stop()


def test_a_child_that_ignores_the_stop_is_ended_with_its_whole_group(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    code = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"])
open(sys.argv[1] + "/worker.pid", "w").write(str(worker.pid))
open(sys.argv[1] + "/stubborn.up", "w").close()
while True:
    signal.pause()
"""
    stubborn = component("stubborn", code, ready=is_up("stubborn"), grace=0.3)

    with watching(Supervisor(house, [stubborn], Said())):
        worker = int((house.places.data / "worker.pid").read_text())
        assert start_mark(worker) is not None

    wait_until(lambda: start_mark(worker) is None)


def test_stopping_leaves_other_processes_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", STAYS]) as other:
        with watching(Supervisor(house_at(tmp_path), [component("one")], Said())):
            pass
        assert other.poll() is None
        other.kill()


def test_what_a_killed_house_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    records = Records(tmp_path / "children.json")
    with (
        subprocess.Popen([sys.executable, "-S", "-c", STAYS], start_new_session=True) as orphan,
        subprocess.Popen([sys.executable, "-S", "-c", STAYS], start_new_session=True) as stranger,
    ):
        records.keep([orphan.pid])
        text = (tmp_path / "children.json").read_text()
        (tmp_path / "children.json").write_text(text.replace("}", f', "{stranger.pid}": "12345"}}'))

        ended = records.end_orphans()

        assert ended == 1
        assert orphan.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None
        stranger.kill()


def test_the_second_holder_of_a_directory_learns_who_the_first_is(tmp_path: Path) -> None:
    held = lock.take(tmp_path / "lock")
    with pytest.raises(lock.AlreadyRunning) as refused:
        lock.take(tmp_path / "lock")
    os.close(held)

    assert refused.value.pid == os.getpid()
    os.close(lock.take(tmp_path / "lock"))
