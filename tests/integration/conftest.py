from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from heliosphere.cli.house.components.cluster import POSTGRESQL_INIT, RABBITMQ
from tests.integration import services, work
from tests.integration.children import call

_numbers = itertools.count()
Fresh = Callable[[], str]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[services.Postgres]:
    if missing := POSTGRESQL_INIT.why_missing():
        pytest.skip(missing)
    with services.postgres() as server:
        work_on = server.copy("template1", "empty_house")
        call(work_on, work.make_tables, seconds=120)
        yield server


@pytest.fixture(scope="session")
def broker_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Broker]:
    if missing := RABBITMQ.why_missing():
        pytest.skip(missing)
    with services.broker(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the panel's tables."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite3"
    call(f"sqlite://{path}", work.make_tables, seconds=120)
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.cluster)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh database with the panel's tables, on either engine."""
    if request.param == "postgresql":
        server: services.Postgres = request.getfixturevalue("postgres_server")
        return server.copy("empty_house", f"house{next(_numbers)}")
    path = tmp_path / "panel.sqlite3"
    shutil.copy(request.getfixturevalue("empty_file"), path)
    return f"sqlite://{path}"


def agent_file(folder: Path, **more: object) -> Path:
    """The configuration of a node with a mail tree and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "node-key").write_text("only for tests")
    file = folder / "agent.json"
    document = {
        "node": "local",
        "key_file": str(folder / "node-key"),
        "state_dir": str(folder / "agent"),
        "mail": {"root": str(folder / "mail"), "hostname": "mail.sun.test"},
    }
    file.write_text(json.dumps(document | more))
    return file
