"""Lines of a .qmail file, sorted by what they ask for."""

from __future__ import annotations

from dataclasses import dataclass, field

from heliosphere.mta.rules.addresses import Address, parse_address


@dataclass(slots=True)
class Instructions:
    """`other` holds lines this engine does not carry out: programs, mbox files, malformed addresses."""

    forwards: list[Address] = field(default_factory=list)
    maildirs: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    is_empty: bool = False

    @property
    def discards(self) -> bool:
        return not (self.forwards or self.maildirs or self.other or self.is_empty)


def read_instructions(text: str) -> Instructions:
    """An empty file means the usual delivery; one with comments only means none at all."""
    found = Instructions(is_empty=not text.strip())
    for line in text.split("\n"):
        line = line.rstrip(" \t\r")
        if not line or line.startswith("#"):
            continue
        if line[0] in "/." and line.endswith("/"):
            found.maildirs.append(line)
        elif line[0] == "&" or line[0].isalnum():
            address = parse_address(line.removeprefix("&").strip())
            if address is None or not address.domain:
                found.other.append(line)
            else:
                found.forwards.append(address)
        else:
            found.other.append(line)
    return found


def default_action(text: str) -> str | None:
    """The action of a `.qmail-default` that calls vdelivermail; None when it does something else."""
    for line in text.split("\n"):
        if line.startswith("|") and "vdelivermail" in line:
            words = line.split()
            return words[-1].strip("'\"") if len(words) > 1 else ""
    return None
