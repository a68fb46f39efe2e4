"""Bring the panel's tables up to date and load the first content, in one process, then note it as done."""

from __future__ import annotations

import argparse
import io
import json
import os
from pathlib import Path
from typing import Any

from heliosphere.cli.house import stamps
from heliosphere.cli.house.component import House
from heliosphere.cli.house.places import Places, write


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="heliosphere panel prepare", description=__doc__)
    parser.add_argument("content", choices=("demo", "empty"))
    parser.add_argument("--logins", type=Path, required=True, help="where the logins made are noted")
    options = parser.parse_args(argv)
    import django
    from django.core.management import call_command, get_commands

    django.setup()
    call_command("migrate", "--noinput", verbosity=1)
    command = f"load_{options.content}"
    if not options.logins.exists() and command in get_commands():
        output = io.StringIO()
        call_command(command, "--json", stdout=output)
        document = {"content": options.content, **_last_document(output.getvalue())}
        write(options.logins, json.dumps(document, indent=1), mode=0o600)
    _note_done(Path(os.environ["HELIOSPHERE_CONFIG"]))
    return 0


def _last_document(text: str) -> dict[str, Any]:
    """The JSON object a command printed; it may print other lines before it."""
    document: dict[str, Any] = json.loads(text[max(text.find("{"), 0) :])
    return document


def _note_done(config: Path) -> None:
    document = json.loads(config.read_text())
    house = House(Places(Path(document["data_dir"])), cluster=document["broker"] is not None)
    write(stamps.tables_stamp(house), stamps.tables_wanted())
