"""Timelines speak in words: every event that is recorded anywhere has them."""

from __future__ import annotations

import ast
from pathlib import Path

import heliosphere.panel
from heliosphere.panel.look.icons import ICONS
from heliosphere.panel.look.states import STATES
from heliosphere.panel.platform.event_texts import EVENT_TEXTS, kind_of, text_of
from heliosphere.panel.platform.models import Event

PANEL = Path(heliosphere.panel.__file__).parent


def recorded_names() -> set[str]:
    """First arguments of every `audit.record(...)`, both arms of a choice too."""
    names: set[str] = set()
    for path in PANEL.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("audit.record") and node.args:
                names |= {
                    part.value
                    for part in ast.walk(node.args[0])
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                }
    return names


def test_every_recorded_event_has_words_and_a_known_icon():
    names = recorded_names()
    assert len(names) > 20
    assert names == {entry.name for entry in EVENT_TEXTS}
    assert [entry.name for entry in EVENT_TEXTS if entry.kind not in ICONS and entry.kind not in STATES] == []


def test_values_of_the_event_stand_in_its_text():
    event = Event(name="account.suspended", after={"reason": "unpaid", "agent": "admin"})
    assert (text_of(event), kind_of(event)) == ("Account suspended: unpaid", "suspended")


def test_an_event_without_its_values_or_without_words_is_still_shown():
    assert text_of(Event(name="account.suspended")) == "Account suspended"
    assert text_of(Event(name="moon.landed")) == "moon.landed"
