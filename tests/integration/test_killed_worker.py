"""kill -9 of the embedded worker at every point of every job: the next one brings all to its end, once."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from heliosphere.mta.store import VpopmailTree
from tests.agent.houses import wait_until
from tests.integration import work
from tests.integration.children import Child, call
from tests.integration.conftest import agent_file

pytestmark = pytest.mark.integration
NEVER = 10_000


@pytest.fixture(scope="module")
def customer(tmp_path_factory: pytest.TempPathFactory, empty_file: Path) -> Path:
    """A database with a customer whose jobs all wait."""
    path = tmp_path_factory.mktemp("customer") / "panel.sqlite3"
    shutil.copy(empty_file, path)
    call(f"sqlite://{path}", work.prepare_customer)
    return path


def check_all_is_well(folder: Path, address: str, killed: str) -> None:
    found: dict[str, Any] = call(address, work.what_became)
    assert {state for _, state, *_ in found["jobs"]} == {"done"}, killed
    assert [ends for *_, ends in found["jobs"]] == [1] * len(found["jobs"]), killed
    for kind, _, attempts, tries, _ in found["jobs"]:
        assert len(tries) == attempts <= 2, (killed, kind)
        assert tries[-1] == "done", (killed, kind)
        assert set(tries[:-1]) <= {"crashed"}, (killed, kind)
    assert found["mailboxes"] == [("one", "live")], killed
    assert found["domains"] == [(work.DOMAIN, "live")], killed
    assert found["units"] == {"account": 1, "mail_domain": 1, "mailbox": 1}, killed
    assert found["unsent"] == 0, killed
    tree = VpopmailTree(folder / "mail")
    assert {user.name for user in tree.users(work.DOMAIN)} == {"one", "postmaster"}, killed


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", [0, 1])
def test_a_worker_killed_at_any_point_loses_nothing_and_does_nothing_twice(
    customer: Path, tmp_path: Path, part: int
) -> None:
    """In two parts, so that two test processes share the points."""

    def attempt(at: int) -> tuple[Path, str, Child, Any]:
        folder = tmp_path / str(at)
        config = agent_file(folder)
        shutil.copy(customer, folder / "panel.sqlite3")
        address = f"sqlite://{folder / 'panel.sqlite3'}"
        child = Child(address, work.run_worker, str(config), at, 0.0)
        return folder, address, child, child.result()

    folder, address, child, points = attempt(NEVER)
    check_all_is_well(folder, address, "nothing")
    assert len(points) > 50
    for at, name in list(enumerate(points))[part::2]:
        folder, address, child, _ = attempt(at)
        assert child.was_killed, (at, name)
        call(address, work.run_worker, str(folder / "agent.json"), NEVER, 60.0)
        check_all_is_well(folder, address, f"{at}: {name}")


def test_a_job_that_kills_every_worker_ends_in_the_dead_letters_and_may_be_tried_again(database: str) -> None:
    pk = call(database, work.queue_one)
    ahead = 0.0
    for _ in range(10):
        child = Child(database, work.run_until_quiet, work.Deadly(), ahead)
        child.result()
        assert child.was_killed
        assert call(database, work.recover, ahead + 200) == 1
        ahead += 4000  # past the longest pause between two tries

    call(database, work.run_until_quiet, work.Deadly(), ahead)
    dead = call(database, work.job_facts, pk)
    assert (dead["state"], dead["attempts"], dead["may_retry"]) == ("dead", 10, True)
    assert dead["tries"] == ["crashed"] * 10
    assert "stopped answering" in dead["message"]

    call(database, work.retry, pk, ahead)
    call(database, work.run_until_quiet, work.Willing(), ahead + 60)
    assert call(database, work.job_facts, pk)["state"] == "done"


@pytest.mark.parametrize("ends_in_time", [True, False])
def test_a_worker_asked_to_stop_lets_its_job_end_but_not_for_ever(
    empty_file: Path, tmp_path: Path, ends_in_time: bool
) -> None:
    path = tmp_path / "panel.sqlite3"
    shutil.copy(empty_file, path)
    address = f"sqlite://{path}"
    pk = call(address, work.queue_one)
    child = Child(address, work.worker_program, str(tmp_path), 30.0 if ends_in_time else 0.3)
    wait_until((tmp_path / "began").exists)
    child.signal(signal.SIGTERM)
    if ends_in_time:
        (tmp_path / "go on").touch()
    child.result(30)

    assert not child.was_killed
    assert call(address, work.job_facts, pk)["state"] == ("done" if ends_in_time else "running")


def test_a_locked_database_stops_no_worker(empty_file: Path, tmp_path: Path) -> None:
    """Neither taking jobs nor giving back lost ones gets through for a while; then both do."""
    path = tmp_path / "panel.sqlite3"
    shutil.copy(empty_file, path)
    address = f"sqlite://{path}"
    lost = call(address, work.queue_one, "lost.test")
    Child(address, work.run_until_quiet, work.Deadly(), 0.0).result()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        child = Child(address, work.run_impatiently, work.Willing(), 60.0, str(tmp_path / "log"))
        wait_until(lambda: "goes on" in _text(tmp_path / "log"))
        other.execute("rollback")
    child.result()
    found = call(address, work.job_facts, lost)
    assert (found["state"], found["tries"]) == ("done", ["crashed", "done"])


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
