"""The Authentication-Results field (RFC 8601): made for our results, taken out where others claim it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from heliosphere.mta.rules.origin.spf.names import ascii_domain, unicode_text

FIELD_NAME = "Authentication-Results"
MAX_LINE = 78
MAX_VALUE = 255

_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+")
_ADDRESS = re.compile(r"[!#$%&'*+\-./0-9A-Z^_`a-z{|}~]+@[0-9A-Za-z_.-]+")
_OURS = re.compile(rb"authentication-results[ \t]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One method's outcome. `properties` are like ("header.d", "far.test"); empty values are left out."""

    method: str
    result: str
    reason: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    comment: str = ""


def authentication_results_field(authserv_id: str, results: Sequence[MethodResult]) -> bytes:
    """The field with its line end, a line for each result, folded further where that is too long.

    Whatever the values hold, the field says nothing but these results: values are quoted, and
    characters that cannot be in a field become `?`.
    """
    lines = [_line(one) for one in results] or [["none"]]
    text = f"{FIELD_NAME}: {_value(authserv_id)};"
    for number, words in enumerate(lines, 1):
        end = ";" if number < len(lines) else ""
        text += "\n\t" + _folded([*words[:-1], words[-1] + end])
    return f"{text}\n".encode("ascii")


def claiming_fields(message: bytes, authserv_id: str) -> tuple[tuple[int, int], ...]:
    """Where in `message` fields stand that claim to be ours (first byte, byte after the line end).

    They must go before our own is added, else anybody could write our verdict (RFC 8601, 5). A field
    whose authserv-id cannot be read goes too: a mail reader may read it more kindly.
    """
    own = _comparable(authserv_id)
    found = []
    for start, end in _fields(message):
        if not _OURS.match(message, start, end):
            continue
        claimed = claimed_id(message[start:end].partition(b":")[2].decode("latin-1"))
        if claimed is None or _comparable(claimed) == own:
            found.append((start, end))
    return tuple(found)


def without_claims(message: bytes, authserv_id: str) -> bytes:
    """The message without the fields that claim to be ours."""
    kept, last = [], 0
    for start, end in claiming_fields(message, authserv_id):
        kept.append(message[last:start])
        last = end
    return b"".join((*kept, message[last:])) if kept else message


def claimed_id(value: str) -> str | None:
    """The authserv-id of a field's value; None if there is none to be read."""
    rest = _after_comments(value)
    if rest.startswith('"'):
        found = re.match(r'"((?:[^"\\]|\\.)*)"', rest, re.DOTALL)
        return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL).strip() if found else None
    word = re.match(r'[^\s;()"]+', rest)
    return word[0] if word else None


def _after_comments(value: str) -> str:
    """Without leading white space and comments, which nest."""
    depth, at = 0, 0
    while at < len(value):
        char = value[at]
        if char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif char == "\\" and depth:
            at += 1
        elif not depth and not char.isspace():
            break
        at += 1
    return value[at:]


def _comparable(name: str) -> str:
    """Case and the way an internationalized name is written make no difference."""
    plain = unicode_text(name).strip().rstrip(".")
    return ascii_domain(plain) or plain.lower()


def _fields(message: bytes) -> Iterator[tuple[int, int]]:
    """The header's fields with their folded lines."""
    start, at = 0, 0
    while at < len(message):
        end = message.find(b"\n", at) + 1 or len(message)
        if message[at:end] in (b"\n", b"\r\n"):
            break
        if message[at : at + 1] not in (b" ", b"\t") and at > start:
            yield start, at
            start = at
        at = end
    if at > start:
        yield start, at


def _line(one: MethodResult) -> list[str]:
    words = [f"{one.method}={one.result}"]
    if one.comment:
        words.append(f"({_comment(one.comment)})")
    if one.reason:
        words.append(f"reason={_quoted(one.reason)}")
    return words + [f"{name}={_value(value)}" for name, value in one.properties if value]


def _value(text: str) -> str:
    """As token or address where it is one, else quoted."""
    shown = _printable(text)
    return shown if _TOKEN.fullmatch(shown) or _ADDRESS.fullmatch(shown) else _quoted(text)


def _quoted(text: str) -> str:
    escaped = _printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _comment(text: str) -> str:
    return re.sub(r"[()\\]", "?", _printable(text))


def _printable(text: str) -> str:
    if text.isascii() and text.isprintable():  # nearly always
        return text[:MAX_VALUE]
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:MAX_VALUE]


def _folded(words: list[str]) -> str:
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) < MAX_LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n\t".join(lines)
