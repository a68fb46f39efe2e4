"""What a start may leave out because an earlier one did it and nothing changed since."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from heliosphere import __version__
from heliosphere.cli.house.component import House

_PACKAGE = Path(__file__).resolve().parents[2]


def logins_file(house: House) -> Path:
    """The logins the first content brought, as JSON; its being there says the content is loaded."""
    return house.secret("logins.json")


def tables_stamp(house: House) -> Path:
    return house.places.panel / ("tables-postgresql.stamp" if house.cluster else "tables.stamp")


def tables_wanted() -> str:
    """Changes with every migration file, of ours and of the packages we build on."""
    names: list[str] = []
    for root in (_PACKAGE / "panel", *_site_packages()):
        names += sorted(f"{path.name}:{path.stat().st_size}" for path in root.glob("*/migrations/0*.py"))
    return hashlib.sha256("\n".join([__version__, *names]).encode()).hexdigest()


def tables_are_current(house: House) -> bool:
    try:
        return tables_stamp(house).read_text() == tables_wanted() and logins_file(house).exists()
    except OSError:
        return False


def _site_packages() -> tuple[Path, ...]:
    folders = [Path(entry) for entry in sys.path if entry.endswith("site-packages")]
    return tuple(folder / part for folder in folders for part in ("django/contrib", "allauth"))
