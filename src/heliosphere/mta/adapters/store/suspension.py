"""What users of a suspended domain had before: a small file in the domain's directory."""

from __future__ import annotations

import json
from pathlib import Path

from heliosphere.mta.adapters.files.atomic_files import read_or_none, remove_file, write_atomic
from heliosphere.mta.rules.store.flags import SUSPENDED

FILE = ".suspended"


class SuspensionFile:
    """Present exactly while the domain is suspended. Holds each user's own flags.

    It is written before the flags change and removed after they are back, so a crash at any point
    leaves a domain that is still marked suspended and can be suspended or resumed again.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE

    def exists(self) -> bool:
        return self._path.exists()

    def own_flags(self) -> dict[str, int]:
        data = read_or_none(self._path)
        if not data:
            return {}
        return {str(name): int(flags) for name, flags in json.loads(data).items()}

    def write(self, own: dict[str, int]) -> None:
        write_atomic(self._path, json.dumps(own, sort_keys=True, indent=0).encode())

    def remove(self) -> None:
        remove_file(self._path)


def closed(flags: int) -> int:
    """The flags in force while suspended."""
    return flags | SUSPENDED
