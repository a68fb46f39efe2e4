"""The committed coverage page says what the marks say."""

from __future__ import annotations

import pytest

from heliosphere.cli.dev.coverage_page import coverage_page, read_statements
from tests.guide.plugin import MARKS, STATEMENTS

PAGE = STATEMENTS.parents[2] / "docs" / "coverage.md"


def test_the_coverage_page_is_up_to_date(pytestconfig: pytest.Config) -> None:
    """Only a run that collects all tests (./test does) knows all marks."""
    if pytestconfig.args_source is not pytest.Config.ArgsSource.TESTPATHS or MARKS not in pytestconfig.stash:
        pytest.skip("only a run of all tests knows all marks")
    wanted = coverage_page(read_statements(STATEMENTS.read_text()), pytestconfig.stash[MARKS])

    assert PAGE.read_text() == wanted, "the page is old: heliosphere dev coverage-page writes it"
