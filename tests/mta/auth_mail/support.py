"""Zones in a test's head, and where the third-party suites are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import yaml

from heliosphere.mta.rules.dns_facts import FAILED, NO_DATA, NO_NAME, DnsAnswer, DnsQuestion, DnsStatus

NOW = datetime(2024, 3, 7, 4, 5, 6, tzinfo=UTC)
REPOSITORY = Path(__file__).resolve().parents[3]
Zone = Mapping[str, Mapping[str, tuple[str, ...]]]
Answers = Callable[[DnsQuestion], DnsAnswer]


def test_data(name: str) -> Path:
    """A file of the conformance suites. They are never part of this repository."""
    folders = suite_folders()
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise AssertionError(
        f"The conformance suite {name} is missing in {' and '.join(map(str, folders))}: "
        "put the suites there, or name their folder in HELIOSPHERE_TEST_DATA."
    )


def suite_folders() -> list[Path]:
    """What the environment says; else `shared/data` beside the repository, or beside the one that this
    was cloned from."""
    named = os.environ.get("HELIOSPHERE_TEST_DATA")
    if named:
        return [Path(named)]
    command = ["git", "-C", str(REPOSITORY), "config", "--get", "remote.origin.url"]
    origin = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    beside = [REPOSITORY, Path(origin)] if origin.startswith("/") else [REPOSITORY]
    return [one.parent / "shared" / "data" for one in beside]


test_data.__test__ = False  # type: ignore[attr-defined]


def suite(name: str) -> Iterator[dict]:
    """The documents of a YAML suite."""
    return (one for one in yaml.safe_load_all(test_data(name).read_text()) if one)


def zone(**records: dict[str, str | tuple[str, ...]]) -> Answers:
    """`zone(**{"far.test": {"TXT": "v=spf1 -all"}})`; the value FAILED makes a question fail."""
    plain: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, kinds in records.items():
        for kind, values in kinds.items():
            plain[name, kind] = (values,) if isinstance(values, str) else tuple(values)
    names = {name for name, _ in plain}

    def answer(question: DnsQuestion) -> DnsAnswer:
        values = plain.get((question.name, question.kind))
        if values == ("FAILED",):
            return FAILED
        if values is None:
            return NO_DATA if question.name in names else NO_NAME
        return DnsAnswer(DnsStatus.FOUND, values, 300)

    return answer
