"""vpasswd: one mailbox a line, `name:hash:uid:gid:gecos:dir:quota[:clear]`, sorted by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from heliosphere.mta.rules.errors import Refused

MIN_COLONS = 6


@dataclass(frozen=True, slots=True)
class VpasswdLine:
    """The fields as they stand in the file. `clear` None means the field is absent."""

    name: str
    password_hash: str
    uid: int
    gid: int
    gecos: str
    directory: str
    quota: str
    clear: str | None = None

    def value(self) -> str:
        """What follows `name:`; also the data of the record in vpasswd.cdb."""
        fields = [self.password_hash, str(self.uid), str(self.gid), self.gecos, self.directory, self.quota]
        if self.clear is not None:
            fields.append(self.clear)
        return ":".join(fields)


def parse_line(line: str) -> VpasswdLine | None:
    """Read one line; None for a line that vpopmail skips too (fewer than six colons, bad numbers)."""
    name, colon, value = line.partition(":")
    return parse_value(name, value) if colon else None


def parse_value(name: str, value: str) -> VpasswdLine | None:
    """Read a record of vpasswd.cdb: `name` is the key, `value` the data."""
    fields = value.split(":")
    if not name or len(fields) < MIN_COLONS:
        return None
    hashed, uid, gid, gecos, directory, quota, *rest = fields
    if not (_is_number(uid) and _is_number(gid)):
        return None
    return VpasswdLine(name, hashed, int(uid), int(gid), gecos, directory, quota, rest[0] if rest else None)


def parse(text: str) -> dict[str, VpasswdLine]:
    """All users of a vpasswd text by name; of a name that stands twice the first line wins, as in a cdb."""
    users: dict[str, VpasswdLine] = {}
    for raw in text.split("\n"):
        line = parse_line(raw)
        if line is not None:
            users.setdefault(line.name, line)
    return users


def render(lines: Iterable[VpasswdLine]) -> str:
    """The file's text, sorted by name. Raises Refused when a field would shift the others."""
    out = []
    for line in sorted(lines, key=lambda one: one.name.encode()):
        check_fields(line)
        out.append(f"{line.name}:{line.value()}\n")
    return "".join(out)


def check_fields(line: VpasswdLine) -> None:
    """Raises Refused when a field holds a colon or a control character."""
    for field in (line.name, line.password_hash, line.gecos, line.directory, line.quota):
        if ":" in field or any(ord(char) < 32 or ord(char) == 127 for char in field):
            raise Refused("bad-character", f"{line.name}: a colon or control character cannot be stored")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
