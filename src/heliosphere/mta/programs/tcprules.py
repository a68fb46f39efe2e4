"""Compile rules for clients: tcprules CDB TMP < RULES. A file with an error leaves CDB as it is."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from heliosphere.mta.adapters.files.atomic_files import sync_directory
from heliosphere.mta.adapters.files.cdb_files import cdb_bytes
from heliosphere.mta.rules.clients.tcp_rules import errors_in, parse_rules, rule_records

BAD_RULES, TROUBLE = 100, 111


def main(argv: list[str]) -> int:
    """Exit 0 when compiled, 100 for a rule that cannot be used, 111 for trouble with a file."""
    parser = argparse.ArgumentParser(prog="tcprules", description=__doc__)
    parser.add_argument("cdb", type=Path, help="the compiled rules, replaced as a whole")
    parser.add_argument("tmp", type=Path, help="written first; in the same directory as CDB")
    wanted = parser.parse_args(argv)
    rules, problems = parse_rules(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"))
    for problem in problems:
        print(f"tcprules: {problem}", file=sys.stderr)
    if errors_in(problems):
        print(f"tcprules: {wanted.cdb} is left as it was", file=sys.stderr)
        return BAD_RULES
    try:
        _replace(wanted.cdb, wanted.tmp, cdb_bytes(rule_records(rules)))
    except OSError as trouble:
        print(f"tcprules: cannot write {trouble.filename}: {trouble.strerror}", file=sys.stderr)
        return TROUBLE
    return 0


def _replace(cdb: Path, aside: Path, data: bytes) -> None:
    with open(aside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(aside, cdb)
    sync_directory(cdb.parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
