"""Macro strings: `%{ir}.%{v}._spf.%{d2}` (RFC 7208, 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

IN_DOMAINS = "slodiphv"
IN_EXPLANATIONS = "slodiphvcrt"
_FIXED = {"%%": "%", "%_": " ", "%-": "%20"}
_PART = re.compile(
    r"(?P<literal>[!-$&-~]+)"
    r"|(?P<fixed>%[%_-])"
    r"|%\{(?P<letter>[A-Za-z])(?P<keep>\d*)(?P<reverse>[rR]?)(?P<delimiters>[-.+,/_=]*)\}"
    r"|(?P<space> +)"
)
_MAX_KEPT = 128


class SpfSyntaxError(Exception):
    """The record, rule or explanation is not written as RFC 7208 says; the text names the place."""


@dataclass(frozen=True, slots=True)
class Macro:
    """`keep` counts the parts that stay, from the right; 0 is all of them."""

    letter: str
    keep: int
    reverse: bool
    delimiters: str
    escaped: bool


MacroString = tuple[str | Macro, ...]


def parse_macros(text: str, letters: str = IN_DOMAINS, *, spaces: bool = False) -> MacroString:
    """Raises SpfSyntaxError. Explanations may have spaces and the letters c, r and t."""
    parts: list[str | Macro] = []
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None or (found["space"] and not spaces):
            raise SpfSyntaxError(f"{text!r} is broken at {text[at : at + 10]!r}")
        parts.append(_part(found, letters))
        at = found.end()
    return tuple(parts)


def _part(found: re.Match[str], letters: str) -> str | Macro:
    if not found["letter"]:
        return _FIXED.get(found[0], found[0])
    letter = found["letter"].lower()
    if letter not in letters:
        raise SpfSyntaxError(f"{found[0]} is no macro here")
    digits = found["keep"].lstrip("0")
    if found["keep"] and not digits:
        raise SpfSyntaxError(f"{found[0]} keeps nothing")
    # No value has that many parts; a long number is never turned into one.
    keep = int(digits) if 0 < len(digits) < 4 else (_MAX_KEPT if digits else 0)
    return Macro(letter, keep, bool(found["reverse"]), found["delimiters"] or ".", found["letter"].isupper())


def names_client(parts: MacroString) -> bool:
    """Does it hold `%{p}`, whose value must be looked up?"""
    return any(isinstance(part, Macro) and part.letter == "p" for part in parts)


def expand(parts: MacroString, values: Mapping[str, str]) -> str:
    return "".join(part if isinstance(part, str) else _value(part, values) for part in parts)


def _value(macro: Macro, values: Mapping[str, str]) -> str:
    text = values[macro.letter]
    if macro.keep or macro.reverse or macro.delimiters != ".":
        pieces = re.split(f"[{re.escape(macro.delimiters)}]", text)
        if macro.reverse:
            pieces.reverse()
        text = ".".join(pieces[-macro.keep :])  # -0 keeps all
    return quote(text, safe="~") if macro.escaped else text
