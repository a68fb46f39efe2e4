"""Look at this machine, the data directory and every service; say what is wrong and what mends it.

Changes nothing. Exit code 1 when something is wrong, 0 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

from heliosphere.cli.doctor.books import check_books
from heliosphere.cli.doctor.data import check_data, find_house
from heliosphere.cli.doctor.findings import Finding, exit_code, table
from heliosphere.cli.doctor.machine import check_machine
from heliosphere.cli.doctor.services import check_services, running_pid


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="heliosphere doctor", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("var"), help="data directory (default ./var)")
    parser.add_argument("--base-port", type=int, help="default: the one the house was started with, or 10000")
    parser.add_argument("--json", action="store_true", help="findings as JSON")
    options = parser.parse_args(argv)
    findings = diagnose(Path(os.path.abspath(options.data)), options.base_port)
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        print(table(findings))
    return exit_code(findings)


def diagnose(data: Path, base_port: int | None) -> list[Finding]:
    found = find_house(data, base_port)
    return [
        *check_machine(data, cluster=found.house.cluster),
        *check_data(found),
        *check_services(found.house),
        *check_books(found.house, running=running_pid(found.house) is not None),
    ]
