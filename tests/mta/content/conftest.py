"""clamd and spamd, shared by the tests of a file that do not stop them."""

import tempfile
from pathlib import Path

import pytest

from tests.mta.content import daemons


@pytest.fixture(scope="module")
def clamd(tmp_path_factory):
    with daemons.clamd(tmp_path_factory.mktemp("clamd") / "home") as daemon:
        yield daemon


@pytest.fixture(scope="module")
def spamd(tmp_path_factory):
    with daemons.spamd(tmp_path_factory.mktemp("spamd") / "home") as daemon:
        yield daemon


@pytest.fixture
def open_path():
    """As tmp_path, which is closed to spamd when it has given up root."""
    with tempfile.TemporaryDirectory(prefix="open-path-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
