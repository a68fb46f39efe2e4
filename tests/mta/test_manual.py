"""What the manual says, where the guide asks that it be said; and that code and manual agree."""

import ast
import sys
from pathlib import Path

import pytest

import heliosphere.mta.rules as rules_package

DOCS = Path(__file__).parents[2] / "docs" / "mta"


def page(name):
    return (DOCS / name).read_text()


@pytest.mark.guide("MAIL-SPP-011", "MAIL-SPP-012", "MAIL-SPP-013", "MAIL-SPP-014")
def test_advice_for_plugins():
    text = page("plugins.md")
    for advice in (
        "do not run them through the shell, and not with parameters",
        "no shell or Perl programs where traffic is high",
        "give full paths",
        "better one plugin that does three things than three",
    ):
        assert advice in text


@pytest.mark.guide("MAIL-SPP-006")
def test_the_plugin_engine_needs_nothing_but_python():
    rules = Path(rules_package.__path__[0])
    paths = [path for name in ("spp.py", "spp_table.py") for path in rules.rglob(name)]
    assert len(paths) == 2
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in sys.stdlib_module_names or top == "heliosphere", f"{path.name} needs {name}"


@pytest.mark.guide("MAIL-CTL-016")
def test_what_is_planned_is_listed():
    text = page("index.md")
    assert "## Not there yet" in text
    assert len(text.partition("## Not there yet")[2]) > 100


def test_every_check_of_the_tables_is_on_the_page():
    from heliosphere.mta.rules.checks import client, order

    text = page("index.md")
    for table in (client.CONNECT, order.MAIL, order.RCPT):
        for row in table:
            assert row.name in text or row.name == "mailbox open", row.name
