"""The panel's own tests once more, on PostgreSQL: what is true on SQLite is true there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.services import Postgres

pytestmark = [pytest.mark.integration, pytest.mark.cluster]
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.timeout(400)
@pytest.mark.parametrize("areas", [("platform", "hosting"), ("signup", "billing")], ids="-".join)
def test_the_services_of_the_panel_do_the_same_on_postgresql(
    postgres_server: Postgres, areas: tuple[str, ...]
) -> None:
    name = "-".join(areas)
    address = postgres_server.copy("template1", name)
    command = [
        *(sys.executable, "-m", "pytest", "-p", "tests.guide.plugin", "-q", "-p", "no:cacheprovider"),
        *("-p", "no:xdist", "--create-db", *(f"tests/panel/{area}" for area in areas)),
    ]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
    ended = subprocess.run(
        command, cwd=ROOT, env=kept | {"HELIOSPHERE_TEST_DATABASE": address},
        capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    assert " passed" in ended.stdout
