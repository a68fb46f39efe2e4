"""Turns a database address into Django's setting, with what each engine needs to be safe."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

SQLITE_START = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-8000;"
)


def database(address: str) -> dict[str, Any]:
    """sqlite:///path or postgresql://user:password@host:port/name.

    SQLite writes start IMMEDIATE, or two writers that both read first would fail instead of waiting.
    synchronous=FULL: money is in there.
    """
    parts = urlsplit(address)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parts.path,
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": SQLITE_START},
        }
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or 5432),
            "CONN_MAX_AGE": 60,
        }
    raise ValueError(f"database {parts.scheme!r}: use sqlite:///path or postgresql://user@host/name")
