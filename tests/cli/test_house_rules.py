"""What the house decides without starting anything."""

from __future__ import annotations

import errno
import json
import stat
from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heliosphere.cli.house import packages, ports, ready, setup, stamps, up
from heliosphere.cli.house.components.registry import ALL, wanted_components
from heliosphere.cli.house.supervisor import in_order
from tests.cli.fakes import house_at


def test_every_port_and_need_of_a_component_is_declared() -> None:
    names = {component.name for component in ALL}
    assert len(names) == len(ALL)
    for component in ALL:
        assert set(component.ports) <= set(ports.PORTS), component.name
        assert set(component.needs) <= names, component.name


def test_no_two_components_want_one_port() -> None:
    wanted = [name for component in ALL for name in component.ports]
    assert len(wanted) == len(set(wanted))
    offsets = [port.offset for port in ports.PORTS.values()]
    assert len(offsets) == len(set(offsets))


@pytest.mark.parametrize("cluster", [False, True])
def test_both_forms_of_the_house_can_be_ordered(tmp_path: Path, cluster: bool) -> None:
    names = [part.name for part in in_order(wanted_components(house_at(tmp_path, cluster=cluster)))]

    assert ("worker" in names) is not cluster
    assert ("agent" in names) is cluster
    assert names.index("panel-tables") < names.index("panel")
    if cluster:
        assert names.index("postgresql") < names.index("panel-tables")


def test_filters_can_be_left_out(tmp_path: Path) -> None:
    full = {part.name for part in wanted_components(house_at(tmp_path))}
    plain = {part.name for part in wanted_components(house_at(tmp_path, with_filters=False))}

    assert full - plain == {"spamd", "clamd"}


def test_every_listed_package_says_what_for() -> None:
    wanted = packages.wanted_packages(test=True, filters=True)

    assert {"pdns-server", "dovecot-imapd", "nginx-core", "postgresql-15", "chromium"} <= set(wanted)
    assert all(wanted.values())
    assert "chromium" not in packages.wanted_packages()


def test_a_package_nobody_has_is_missing() -> None:
    assert packages.missing_packages(["heliosphere-no-such-package"]) == ["heliosphere-no-such-package"]


def test_secrets_are_made_once_and_closed(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    setup.make_secrets(house)
    first = {name: house.secret(name).read_text() for name in setup.SECRETS}
    setup.make_secrets(house)

    assert {name: house.secret(name).read_text() for name in setup.SECRETS} == first
    assert len(set(first.values())) == len(first)
    assert all(stat.S_IMODE(house.secret(name).stat().st_mode) == 0o600 for name in setup.SECRETS)


def test_the_cluster_form_names_database_and_broker(tmp_path: Path) -> None:
    house = house_at(tmp_path, cluster=True)
    setup.make_secrets(house)
    setup.write_configs(house, {"pdns", "nginx"})
    document = json.loads(house.places.panel_config.read_text())

    assert document["database"].startswith("postgresql://heliosphere:")
    assert document["broker"].startswith("amqp://heliosphere:")
    assert stat.S_IMODE(house.places.panel_config.stat().st_mode) == 0o600


def test_a_node_without_a_name_server_gets_no_dns_section(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    setup.make_secrets(house)
    setup.write_configs(house, {"nginx"})
    document = json.loads(house.places.agent_config.read_text())

    assert "dns" not in document
    assert document["web"]["listen"] == "127.0.0.1:10080"


def test_a_full_disk_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(up.shutil, "disk_usage", lambda _: usage(10, 10, 1024))
    monkeypatch.setattr(up.rights, "drop_root", lambda *_: None)

    assert up.main(["--data", str(tmp_path / "var")]) == 1
    assert "is full" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/d"), "the disk is full at /d"),
        (PermissionError(errno.EACCES, "Permission denied", "/d"), "/d cannot be written"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/d"), "/d: Not a directory"),
    ],
)
def test_trouble_with_the_disk_is_one_clear_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    words: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(up.rights, "drop_root", fail)

    assert up.main(["--data", str(tmp_path / "var")]) == 1
    assert words in capsys.readouterr().err


def test_ready_names_what_people_use_and_not_what_only_the_house_uses(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    running = wanted_components(house)
    document = ready.ready_document(house, running, datetime(2026, 1, 2, tzinfo=UTC))

    assert document["panel"] == "http://127.0.0.1:18080/"
    assert document["addresses"]["smtp"] == "127.0.0.1:10025"
    assert "dns_api" not in document["addresses"]
    assert "http://127.0.0.1:18080/" in ready.summary(document)


def test_people_learn_how_to_sign_in_and_what_to_try_first(tmp_path: Path) -> None:
    house = house_at(tmp_path)
    rows = [{"role": "administrator", "login": "admin", "password": "kelp-opal"}]
    stamps.logins_file(house).write_text(json.dumps({"content": "demo", "logins": rows}))
    document = ready.ready_document(house, wanted_components(house), datetime(2026, 1, 2, tzinfo=UTC))
    said = ready.summary(document)

    assert document["demo_logins"] == rows
    assert "Sign in as admin (administrator), first password kelp-opal" in said
    assert "README.md" in said
    assert f"doctor --data {house.places.data}" in said
    assert "step by step" in ready.summary({**document, "content": "empty"})


def test_a_free_base_port_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "taken", lambda base, names: ["smtp"] if base < 13000 else [])

    assert ports.next_base(10000, ["smtp"]) == 13000
    assert ports.next_base(ports.HIGHEST_BASE, ["smtp"]) is None
