"""Events: one line each, whatever is in them, and every one of them explained."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.logs.event_log import LineLog

ROOT = Path(__file__).parents[2]


def written(name, **fields):
    reading, writing = os.pipe()
    LineLog(writing, lambda: datetime(2026, 4, 1, 12, tzinfo=UTC)).event(name, **fields)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        return file.read().decode()


def test_an_event_is_time_name_and_fields():
    assert written("smtp.accepted", msg="4ZkQ", rcpt="anna@two.test", login="") == (
        '2026-04-01T12:00:00Z smtp.accepted msg=4ZkQ rcpt=anna@two.test login=""\n'
    )


@given(st.text())
def test_no_value_can_forge_a_second_line_or_field(text):
    line = written("x", value=text, last=1)
    assert line.count("\n") == 1
    assert line.endswith("\n")
    if len(line) < 3000:
        assert re.fullmatch(r'\S+ x value=([^\s"]+|"(?:[^"\\]|\\.)*") last=1\n', line)


def test_every_event_in_the_code_is_on_the_page_and_the_other_way_round():
    source = "".join(path.read_text() for path in (ROOT / "src/heliosphere/mta").rglob("*.py"))
    in_code = set(re.findall(r'event\(\s*"([a-z0-9_.]+)"', source))
    in_code |= set(re.findall(r'"(delivery\.[a-z]+)"', source))
    page = (ROOT / "docs/mta/log-events.md").read_text()
    assert in_code == set(re.findall(r"^\| `([a-z0-9_.]+)` \|", page, re.M))


def test_every_step_where_a_crash_is_tried_is_on_the_page():
    source = "".join(path.read_text() for path in (ROOT / "src/heliosphere/mta").rglob("*.py"))
    steps = set(re.findall(r'ault\(f?"([a-z.{}-]+?)"\)', source.replace("{channel.value}", "local")))
    page = (ROOT / "docs/mta/queue.md").read_text()
    missing = {step for step in steps if f"`{step}`" not in page and not step.startswith("maildir.linked")}
    assert missing == set()
