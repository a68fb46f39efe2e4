from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.panel.conftest import House
from tests.panel.mail.nodes import MailNode


@pytest.fixture
def node(house: House, tmp_path: Path) -> Iterator[MailNode]:
    """The machine of the house's mail server."""
    made = MailNode(tmp_path)
    yield made
    made.close()
