"""Checks of what the panel keeps: does the ledger balance, do invoices add up, are jobs left undone."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

from heliosphere.cli.doctor.findings import Finding, State
from heliosphere.cli.house.ask_panel import ask_panel
from heliosphere.cli.house.component import House

AREA = "books"


def check_books(house: House, *, running: bool) -> Iterator[Finding]:
    """`running`: the house is up, so a job that is late waits for a worker that should be there."""
    if not house.places.panel_config.exists() or (house.cluster and not running):
        return
    if os.geteuid() not in (0, house.places.data.stat().st_uid):
        return
    try:
        document = json.loads(ask_panel(house, "check_books"))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        mend = f"./run --data {house.places.data} brings the tables up to date; {_panel_log(house)}"
        yield Finding(AREA, "database", "fail", f"the panel cannot read it: {_words(error)}", mend)
        return
    yield from judge(document, house, running=running)


def judge(document: dict[str, Any], house: House, *, running: bool) -> Iterator[Finding]:
    """Findings from the answer of check_books."""
    ask = f"HELIOSPHERE_CONFIG={house.places.panel_config} heliosphere panel manage check_books"
    for name, what in (("entries", "ledger entries"), ("invoices", "invoices")):
        wrong = document[f"{name}_wrong"]
        if wrong:
            shown = ", ".join(map(str, wrong[:5])) + (", …" if len(wrong) > 5 else "")
            text = f"{len(wrong)} of {document[name]} {what} do not add up: {shown}"
            mend = f"change nothing by hand; go back to a copy from before, {ask} lists them all"
            yield Finding(AREA, what, "fail", text, mend)
        else:
            yield Finding(AREA, what, "ok", f"{document[name]}, all add up")
    yield from _jobs(document["jobs"], house, running=running)


def _jobs(counts: dict[str, int], house: House, *, running: bool) -> Iterator[Finding]:
    page = f"http://{house.address('panel')}/admin/jobs/"
    rows: list[tuple[int, State, str, str]] = [
        (counts["failed"], "warn", "failed and wait for a person", f"each says what to do: {page}"),
        (counts["dead"], "warn", "were tried too often and given up", f"retry them: {page}"),
        _late(counts["late"], house, running=running),
    ]
    for count, state, text, mend in rows:
        if count:
            yield Finding(AREA, "jobs", state, f"{count} {text}", mend)
    if not any(count for count, *_ in rows):
        yield Finding(AREA, "jobs", "ok", "none failed, given up or late")


def _late(count: int, house: House, *, running: bool) -> tuple[int, State, str, str]:
    if not running:
        return count, "warn", "wait for the house to run", f"./run --data {house.places.data}"
    log = house.places.log / ("dispatcher.log" if house.cluster else "worker.log")
    return count, "fail", "are late by five minutes and more", f"tail -n 50 {log}"


def _words(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = str(error.stderr).strip().splitlines()
        return lines[-1][:200] if lines else f"exit code {error.returncode}"
    return str(error)


def _panel_log(house: House) -> str:
    return f"tail -n 50 {house.places.log / 'panel.log'}"
