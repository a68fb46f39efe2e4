"""Make PostgreSQL's files and the panel's database in them. Killed half way, the next run starts over.

python -m heliosphere.cli.house.postgres_init BIN DIR PASSWORD_FILE
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    programs, folder, password = Path(argv[0]), Path(argv[1]), argv[2]
    aside = folder.with_name("postgresql.new")
    shutil.rmtree(aside, ignore_errors=True)
    subprocess.run(  # noqa: S603 (Debian's program, argument list)
        [
            *(programs / "initdb", "-D", aside, "-U", "heliosphere", "--pwfile", password),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
        ],
        check=True,
    )
    subprocess.run(  # noqa: S603
        [programs / "postgres", "--single", "-D", aside, "postgres"],
        input=b"create database heliosphere\n",
        check=True,
    )
    aside.rename(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
