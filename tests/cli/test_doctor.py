"""The doctor: what is wrong, and the command that mends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heliosphere.cli.doctor import books, machine
from heliosphere.cli.doctor.data import check_data, find_house
from heliosphere.cli.doctor.findings import Finding, exit_code, table
from heliosphere.cli.doctor.program import main
from heliosphere.cli.doctor.services import check_services
from heliosphere.cli.house import lock, ports, setup
from tests.agent.houses import free_base
from tests.cli.fakes import house_at, listening


def meminfo(megabytes: int) -> str:
    return f"MemTotal: 9 kB\nMemAvailable:   {megabytes * 1024} kB\n"


@pytest.mark.parametrize(("megabytes", "state"), [(100, "fail"), (700, "warn"), (4000, "ok")])
def test_memory(megabytes: int, state: str) -> None:
    assert machine.memory(meminfo(megabytes)).state == state


@pytest.mark.parametrize(("free", "state"), [(0, "fail"), (200 * 1024**2, "warn"), (10 * 1024**3, "ok")])
def test_disk(tmp_path: Path, free: int, state: str) -> None:
    assert machine.disk(tmp_path, free).state == state


def test_another_python_is_wrong_and_says_how_to_mend_it() -> None:
    finding = machine.python((3, 13))
    assert (finding.state, "3.11" in finding.detail) == ("fail", True)
    assert "./run" in finding.mend


def test_a_secret_others_can_read_is_found_with_its_chmod(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    setup.make_secrets(house)
    setup.write_configs(house, set())
    house.secret("node-key").chmod(0o644)

    findings = list(check_data(find_house(house.places.data, None)))

    bad = [finding for finding in findings if finding.state == "fail"]
    assert [finding.mend for finding in bad] == [f"chmod 600 {house.secret('node-key')}"]


def test_a_broken_configuration_is_named(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    house.places.panel_config.write_text("{")

    findings = list(check_data(find_house(house.places.data, None)))

    assert any(f.name == "configuration" and f.state == "fail" for f in findings)


def test_a_port_somebody_else_has_is_named(tmp_path: Path) -> None:
    house = house_at(tmp_path, base_port=free_base(("smtp", "submission", "pop3")))
    with listening(ports.number(house.base_port, "smtp")):
        findings = list(check_services(house))

    assert any(f"port {house.port('smtp')}" in f.detail and f.state == "fail" for f in findings)


def test_a_running_house_whose_parts_do_not_answer_points_at_their_logs(tmp_path: Path) -> None:
    house = house_at(tmp_path, base_port=free_base(("panel", "gateway", "smtp")))
    (house.places.log / "panel.log").write_text("started\nno such table: accounts\n")
    held = lock.take(house.places.run / "lock")
    try:
        findings = {finding.name: finding for finding in check_services(house)}
    finally:
        import os

        os.close(held)

    assert findings["house"].state == "ok"
    assert findings["panel"].state == "fail"
    assert "no such table" in findings["panel"].detail
    assert "panel.log" in findings["panel"].mend
    assert findings["worker"].state == "fail"
    assert "has no process" in findings["worker"].detail


def answer(**changes: object) -> dict[str, object]:
    """What the panel says of good books, with changes."""
    jobs = {"failed": 0, "dead": 0, "late": 0, **changes.pop("jobs", {})}  # type: ignore[dict-item]
    good = {"entries": 9, "entries_wrong": [], "invoices": 3, "invoices_wrong": [], "jobs": jobs}
    return {**good, **changes}


def test_good_books_are_said_to_be_good(tmp_path: Path) -> None:
    findings = list(books.judge(answer(), house_at(tmp_path), running=True))

    assert {finding.state for finding in findings} == {"ok"}


@pytest.mark.parametrize("name", ["entries", "invoices"])
def test_books_that_do_not_add_up_are_wrong(tmp_path: Path, name: str) -> None:
    document = answer(**{f"{name}_wrong": [7, 8]})
    findings = list(books.judge(document, house_at(tmp_path), running=True))

    (bad,) = (finding for finding in findings if finding.state == "fail")
    assert "do not add up: 7, 8" in bad.detail
    assert "check_books" in bad.mend


@pytest.mark.parametrize(
    ("running", "state", "mend"), [(True, "fail", "worker.log"), (False, "warn", "./run")]
)
def test_late_jobs_are_wrong_only_when_the_house_runs(
    tmp_path: Path, running: bool, state: str, mend: str
) -> None:
    document = answer(jobs={"late": 2, "failed": 1})
    findings = [f for f in books.judge(document, house_at(tmp_path), running=running) if f.name == "jobs"]

    assert [finding.state for finding in findings] == ["warn", state]
    assert mend in findings[1].mend


def test_a_panel_without_tables_is_named_with_what_mends_it(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    setup.make_secrets(house)
    setup.write_configs(house, set())

    (finding,) = books.check_books(house, running=False)

    assert (finding.name, finding.state) == ("database", "fail")
    assert "no such table" in finding.detail
    assert "./run" in finding.mend


def test_the_exit_code_is_one_only_when_something_fails() -> None:
    fine, odd, bad = (Finding("a", "b", state, "c") for state in ("ok", "warn", "fail"))  # type: ignore[arg-type]

    assert (exit_code([fine, odd]), exit_code([fine, bad])) == (0, 1)
    assert "1 wrong" in table([fine, bad])


def test_json_lists_the_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--data", str(tmp_path / "var"), "--base-port", str(free_base(("panel",))), "--json"])
    findings = json.loads(capsys.readouterr().out)

    assert {"area", "name", "state", "detail", "mend"} == set(findings[0])
