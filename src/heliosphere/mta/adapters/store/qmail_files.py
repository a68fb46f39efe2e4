"""The qmail side of a tree: which domains are served, in control files, users/assign and their cdbs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from heliosphere.mta.adapters.files.atomic_files import file_stamp, read_or_none, remove_file, write_atomic
from heliosphere.mta.adapters.files.cdb_files import Cdb, write_cdb
from heliosphere.mta.wire import assign
from heliosphere.mta.wire.assign import Assignment

RCPTHOSTS_LINES = 50
"""A new domain goes to rcpthosts while it has fewer lines, else to morercpthosts."""


class QmailFiles:
    """Reads and writes below `qmail/`. The caller holds the tree's lock while writing."""

    def __init__(self, root: Path) -> None:
        self.control = root / "control"
        self.users = root / "users"
        self._assign_cache: tuple[object, dict[str, Assignment]] = (object(), {})

    # Lists, one entry a line

    def lines(self, name: str) -> list[str]:
        """Entries of a control list, comments and blank lines left out."""
        data = read_or_none(self.control / name) or b""
        cut = (line.rstrip(" \t\r") for line in data.decode("utf-8", "surrogateescape").split("\n"))
        return [line for line in cut if line and not line.startswith("#")]

    def write_lines(self, name: str, entries: Iterable[str]) -> None:
        text = "".join(f"{entry}\n" for entry in entries)
        write_atomic(self.control / name, text.encode("utf-8", "surrogateescape"), 0o644)

    def write_if_absent(self, name: str, text: str) -> None:
        if not (self.control / name).exists():
            write_atomic(self.control / name, text.encode(), 0o644)

    # Accepted domains

    def accept_domain(self, domain: str) -> None:
        rcpthosts, more = self.lines("rcpthosts"), self.lines("morercpthosts")
        if domain in rcpthosts or domain in more:
            self._ensure_more_cdb(more)
        elif len(rcpthosts) < RCPTHOSTS_LINES:
            self.write_lines("rcpthosts", sorted([*rcpthosts, domain]))
        else:
            self._write_more(sorted([*more, domain]))

    def stop_accepting(self, domain: str) -> None:
        """Leaves both lists; nothing moves up from morercpthosts, as in vpopmail."""
        rcpthosts, more = self.lines("rcpthosts"), self.lines("morercpthosts")
        if domain in rcpthosts:
            self.write_lines("rcpthosts", [one for one in rcpthosts if one != domain])
        if domain in more:
            self._write_more([one for one in more if one != domain])

    def accepts(self, domain: str) -> bool:
        return domain in self.lines("rcpthosts") or domain in self.lines("morercpthosts")

    def _write_more(self, entries: list[str]) -> None:
        if not entries:
            remove_file(self.control / "morercpthosts.cdb")
            remove_file(self.control / "morercpthosts")
            return
        self.write_lines("morercpthosts", entries)
        self._write_more_cdb(entries)

    def _write_more_cdb(self, entries: list[str]) -> None:
        write_cdb(self.control / "morercpthosts.cdb", [(one.lower().encode(), b"") for one in entries], 0o644)

    def _ensure_more_cdb(self, entries: list[str]) -> None:
        # A crash between text and cdb leaves a cdb that lacks the last change.
        if not entries:
            return
        data = read_or_none(self.control / "morercpthosts.cdb")
        if data is None or any(Cdb(data).get(one.lower().encode()) is None for one in entries):
            self._write_more_cdb(entries)

    # Virtual domains and locals

    def make_virtual(self, domain: str) -> None:
        entries = self.lines("virtualdomains")
        wanted = f"{domain}:{domain}"
        if wanted not in entries:
            others = [one for one in entries if one.partition(":")[0] != domain]
            self.write_lines("virtualdomains", sorted([*others, wanted]))
        if domain in (local := self.lines("locals")):
            self.write_lines("locals", [one for one in local if one != domain])

    def drop_virtual(self, domain: str) -> None:
        entries = self.lines("virtualdomains")
        kept = [one for one in entries if one.partition(":")[0] != domain]
        if kept != entries:
            self.write_lines("virtualdomains", kept)

    # users/assign

    def assignments(self) -> dict[str, Assignment]:
        """Domain name to its line. Read again only when the file changed."""
        stamp = file_stamp(self.users / "assign")
        if stamp != self._assign_cache[0]:
            self._assign_cache = (stamp, self._read_assignments())
        return self._assign_cache[1]

    def assign(self, domain: str, user: str, home: Path) -> None:
        """Domain `domain` is served from `home`; `user` is the real domain (itself, or of an alias)."""
        line = Assignment(f"{domain}-", user, os.getuid(), os.getgid(), str(home))

        def put(lines: dict[str, Assignment]) -> None:
            lines.setdefault(line.local, line)

        self._change_assign(put)

    def unassign(self, domain: str) -> None:
        def drop(lines: dict[str, Assignment]) -> None:
            lines.pop(f"{domain}-", None)

        self._change_assign(drop)

    def _change_assign(self, change: Callable[[dict[str, Assignment]], None]) -> None:
        data = read_or_none(self.users / "assign")
        before = assign.parse(data.decode()) if data is not None else []
        lines = {one.local: one for one in before}
        change(lines)
        text = assign.render(lines.values())
        if data is None or text != data.decode():
            write_atomic(self.users / "assign", text.encode(), 0o644)
        write_cdb(self.users / "cdb", assign.records(assign.parse(text)), 0o644)
        # The guide names users/assign.cdb, qmail itself users/cdb.
        with contextlib.suppress(FileExistsError):
            os.symlink("cdb", self.users / "assign.cdb")

    def _read_assignments(self) -> dict[str, Assignment]:
        data = read_or_none(self.users / "assign")
        if data is None:
            return {}
        return {
            one.local.removesuffix("-"): one
            for one in assign.parse(data.decode())
            if one.wild and one.local.endswith("-")
        }
