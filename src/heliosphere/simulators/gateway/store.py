"""Sessions and payments in one SQLite file, so that a restart forgets nothing."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists session (id text primary key, body text not null);
create table if not exists payment (
    id text primary key, state text not null, amount integer not null, captures integer not null default 0
);
create table if not exists answer (key text primary key, status integer not null, body text not null);
"""


class Store:
    """One connection behind a lock: a simulator needs no more."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def known_answer(self, key: str) -> tuple[int, dict[str, Any]] | None:
        """What was answered to this idempotency key before."""
        with self._lock:
            row = self._db.execute("select status, body from answer where key = ?", (key,)).fetchone()
        return (row[0], json.loads(row[1])) if row else None

    def keep_answer(self, key: str, status: int, body: dict[str, Any]) -> None:
        with self._lock:
            self._db.execute("insert or ignore into answer values (?, ?, ?)", (key, status, json.dumps(body)))

    def new_session(self, body: dict[str, Any]) -> dict[str, Any]:
        session = body | {"id": f"ses_{secrets.token_hex(12)}", "status": "open"}
        self._save(session)
        return session

    def session(self, session_id: str) -> dict[str, Any] | None:
        with self._lock:
            row = self._db.execute("select body from session where id = ?", (session_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def close_session(self, session_id: str, changes: dict[str, Any]) -> dict[str, Any] | None:
        """Apply the bank's verdict to an open session, once; later tries get what it became."""
        with self._lock:
            session = self.session(session_id)
            if session is None or session["status"] != "open":
                return session
            session |= changes
            if session["status"] == "authorised":
                session["payment_id"] = f"pay_{secrets.token_hex(12)}"
                self._db.execute(
                    "insert into payment (id, state, amount) values (?, 'authorised', ?)",
                    (session["payment_id"], session["amount_minor"]),
                )
            self._save(session)
            return session

    def move_payment(self, payment_id: str, wanted: str) -> tuple[int, dict[str, Any]]:
        """authorised -> captured or voided. The same move again is success; the other one is a conflict."""
        with self._lock:
            row = self._db.execute("select state from payment where id = ?", (payment_id,)).fetchone()
            if row is None:
                return 404, {"message": "there is no such payment"}
            if row[0] not in ("authorised", wanted):
                return 409, {"message": f"the payment is {row[0]}"}
            if row[0] == "authorised":
                self._db.execute(
                    "update payment set state = ?, captures = captures + ? where id = ?",
                    (wanted, int(wanted == "captured"), payment_id),
                )
            return 200, {"id": payment_id, "status": wanted}

    def payments(self) -> list[dict[str, Any]]:
        """All payments, for tests and for the curious."""
        with self._lock:
            rows = self._db.execute(
                "select id, state, amount, captures from payment order by rowid"
            ).fetchall()
        return [dict(zip(("id", "state", "amount_minor", "captures"), row, strict=True)) for row in rows]

    def _save(self, session: dict[str, Any]) -> None:
        with self._lock:
            self._db.execute(
                "insert or replace into session values (?, ?)", (session["id"], json.dumps(session))
            )
