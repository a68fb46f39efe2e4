"""users/assign: which directory serves which domain, as text and as the records of users/cdb."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from heliosphere.mta.rules.errors import Refused


@dataclass(frozen=True, slots=True)
class Assignment:
    """A wildcard line `+local:user:uid:gid:home:dash:pre:`; for a domain, local is `domain-`."""

    local: str
    user: str
    uid: int
    gid: int
    home: str
    dash: str = "-"
    pre: str = ""
    wild: bool = True

    def line(self) -> str:
        start = "+" if self.wild else "="
        fields = (self.user, str(self.uid), str(self.gid), self.home, self.dash, self.pre)
        return f"{start}{self.local}:{':'.join(fields)}:"


def parse(text: str) -> list[Assignment]:
    """Read the file. Raises Refused naming the line, as qmail-newu refuses a bad file as a whole."""
    found: list[Assignment] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line == ".":
            return found
        fields = line[1:].split(":")
        if line[:1] not in ("+", "=") or len(fields) < 8 or not (fields[2].isdigit() and fields[3].isdigit()):
            raise Refused("bad-assign", f"users/assign line {number} is malformed")
        local, user, uid, gid, home, dash, pre = fields[:7]
        found.append(Assignment(local, user, int(uid), int(gid), home, dash, pre, line[0] == "+"))
    raise Refused("bad-assign", "users/assign does not end with a line holding a single dot")


def render(lines: Iterable[Assignment]) -> str:
    return "".join(sorted(f"{one.line()}\n" for one in lines)) + ".\n"


def records(lines: Iterable[Assignment]) -> list[tuple[bytes, bytes]]:
    """The records of users/cdb, in file order, with the closing record of wildcard ends."""
    out: list[tuple[bytes, bytes]] = []
    ends: list[str] = []
    for one in lines:
        key = b"!" + one.local.lower().encode()
        if not one.wild:
            key += b"\0"
        elif one.local and one.local[-1] not in ends:
            ends.append(one.local[-1])
        fields = (one.user, str(one.uid), str(one.gid), one.home, one.dash, one.pre)
        out.append((key, "\0".join(fields).encode()))
    out.append((b"", "".join(ends).encode()))
    return out
