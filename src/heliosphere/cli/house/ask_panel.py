"""Ask the panel of a house by its management commands, in a process of its own.

Our own process stays without Django; and run as the owner of the data, as files that root's SQLite left
behind would close the panel out of its own database.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

from heliosphere.cli.house.component import House
from heliosphere.cli.house.components.panel import environment


def ask_panel(house: House, *words: str, seconds: float = 60) -> str:
    """What the command printed. Raises OSError or subprocess.SubprocessError (with its `stderr`)."""
    owner = house.places.data.stat()
    rights: dict[str, Any] = {}
    if os.geteuid() == 0 and owner.st_uid != 0:
        rights = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    done = subprocess.run(  # noqa: S603 (our own program)
        house.heliosphere("panel", "manage", *words),
        env={**os.environ, **environment(house)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=seconds,
        check=True,
        **rights,
    )
    output: str = done.stdout
    return output
