"""Filters that look at base64 parts while a message streams in (chksignature, chkloadertype).

They do not parse MIME. A header field that says base64 opens a part wherever it stands, its body begins
after the next blank line and lasts until a line that begins with two dashes, which base64 cannot hold. So
nested parts, enclosed messages and broken structures are all seen, and mail without base64 costs one
search per chunk.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

SIGNATURE_LENGTH = 9
LOADER_LENGTH = 5
MAX_BRANCHES = 100
MAX_FIELD = 4096
"""Bytes of a header field that are looked at; what follows counts as the next line."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_LETTERS = frozenset(_ALPHABET.decode("ascii"))
_NOT_BASE64 = bytes(set(range(256)) - set(_ALPHABET))
_NAME = b"\ncontent-transfer-encoding"
_VALUE = re.compile(rb'[ \t]*:(?:\s|\([^()]*\))*"?base64(?![-\w])', re.IGNORECASE)
_FIELD_END = re.compile(rb"\n(?=[^ \t])")
_BLANK_LINE = re.compile(rb"\n\r?\n")


def encoded_again(signature: str) -> str:
    """How a part begins that is the base64 text of a part which begins with `signature`."""
    return base64.b64encode(signature.encode("ascii")).decode("ascii")[:SIGNATURE_LENGTH]


SINGLE_ENCODED = (
    "TVqQAAMAA", "TVpQAAIAA", "TVpAALQAc", "TVpyAXkAX", "TVrmAU4AA", "TVrhARwAk", "TVoFAQUAA", "TVoAAAQAA",
    "TVoIARMAA", "TVouARsAA", "TVrQAT8AA", "TVoAAAEAA",
)  # fmt: skip
"""Windows programs as different linkers begin them; the last one is common in .pif files."""

DOUBLE_ENCODED = tuple(dict.fromkeys(map(encoded_again, SINGLE_ENCODED)))
TRIPLE_ENCODED = tuple(dict.fromkeys(map(encoded_again, DOUBLE_ENCODED)))
SHIPPED_SIGNATURES = SINGLE_ENCODED + DOUBLE_ENCODED + TRIPLE_ENCODED
"""In force while control/badsignatures is absent."""

OPTIONAL_SIGNATURES = ("UEsDBAkAA", "H4sIADWWb", "ZGltIGZpb")
"""Not in force by themselves, as they hit wanted mail too: archives with a password, a gzip file, text."""

SHIPPED_LOADERS = ("MzIuZ", "MyLmR", "MyLkR", "Mi5kb")
"""The "32.dll" of Kernel32.dll as base64 shows it, depending on where it begins.

In force while control/badloadertypes is absent.
"""


@dataclass(frozen=True, slots=True)
class EntryProblem:
    """A line of a list that can never match; `line` counts from 1 in what was handed in."""

    line: int
    entry: str
    reason: str


def parse_signatures(lines: Iterable[str]) -> tuple[frozenset[bytes], tuple[EntryProblem, ...]]:
    """Entries of badsignatures. Upper and lower case differ; what follows the ninth character is ignored."""
    return _parse(lines, SIGNATURE_LENGTH)


def parse_loaders(lines: Iterable[str]) -> tuple[frozenset[bytes], tuple[EntryProblem, ...]]:
    """Entries of badloadertypes; what follows the fifth character is ignored."""
    return _parse(lines, LOADER_LENGTH)


def _parse(lines: Iterable[str], length: int) -> tuple[frozenset[bytes], tuple[EntryProblem, ...]]:
    found: set[bytes] = set()
    problems: list[EntryProblem] = []
    for number, line in enumerate(lines, 1):
        entry = line.rstrip(" \t\r\n")
        if not entry or entry.startswith("#"):
            continue
        if len(entry) < length:
            problems.append(EntryProblem(number, entry, f"shorter than {length} characters, never matches"))
        elif not set(entry) <= _LETTERS:
            problems.append(EntryProblem(number, entry, "holds characters that base64 text does not have"))
        else:
            found.add(entry[:length].encode("ascii"))
    return frozenset(found), tuple(problems)


class LoaderMatcher:
    """Finds any entry of badloadertypes in a text with one pass, however many there are."""

    def __init__(self, entries: frozenset[bytes]) -> None:
        self._entries = entries
        # One pattern skips quickly what begins no entry; past some number of entries it loses to a look
        # at each place (measured: about 100 entries of random letters).
        self._pattern = re.compile(_branches(sorted(entries))) if 0 < len(entries) <= MAX_BRANCHES else None

    def __bool__(self) -> bool:
        return bool(self._entries)

    def first_in(self, text: bytes) -> bytes | None:
        """The entry that comes first in `text`."""
        if self._pattern is not None:
            found = self._pattern.search(text)
            return found[0] if found else None
        entries, length = self._entries, LOADER_LENGTH
        for at in range(len(text) - length + 1):
            if text[at : at + length] in entries:
                return text[at : at + length]
        return None


def _branches(entries: list[bytes]) -> bytes:
    """A pattern for entries of one length that never tries a letter twice."""
    if entries == [b""]:
        return b""
    ways = [
        re.escape(letter) + _branches([entry[1:] for entry in entries if entry.startswith(letter)])
        for letter in dict.fromkeys(entry[:1] for entry in entries)
    ]
    return ways[0] if len(ways) == 1 else b"(?:" + b"|".join(ways) + b")"


@dataclass(frozen=True, slots=True)
class FilterLists:
    """Both lists, ready for use. Make them once for each reading of the controls, not for each message."""

    signatures: frozenset[bytes]
    loaders: LoaderMatcher
    problems: tuple[tuple[str, EntryProblem], ...] = ()
    """The control's name and what is wrong in it."""


def filter_lists(
    badsignatures: Iterable[str] | None = None, badloadertypes: Iterable[str] | None = None
) -> FilterLists:
    """None, an absent control, means the shipped entries; an empty list means none."""
    signatures, bad_signatures = parse_signatures(
        SHIPPED_SIGNATURES if badsignatures is None else badsignatures
    )
    loaders, bad_loaders = parse_loaders(SHIPPED_LOADERS if badloadertypes is None else badloadertypes)
    problems = [("badsignatures", one) for one in bad_signatures]
    problems += [("badloadertypes", one) for one in bad_loaders]
    return FilterLists(signatures, LoaderMatcher(loaders), tuple(problems))


@dataclass(frozen=True, slots=True)
class Hit:
    """What a filter found: the control that switches it on and the entry that matched."""

    control: Literal["chksignature", "chkloadertype"]
    entry: str


class ContentFilter:
    """Feed it a message in pieces of any size; `hit` is the first thing found, the same for every split.

    Each base64 part is read as its receiver would: line ends and characters that do not belong there are
    passed over. Its first nine characters are looked up in the signatures, all of it is searched for
    loaders. A part of fewer than nine characters holds nothing.
    """

    def __init__(self, lists: FilterLists, *, chksignature: bool, chkloadertype: bool) -> None:
        self.hit: Hit | None = None
        self._signatures = lists.signatures if chksignature else frozenset[bytes]()
        self._loaders = lists.loaders if chkloadertype else None
        self._is_off = not self._signatures and not self._loaders
        self._held = b"\n"
        self._state: Callable[[bytes], bytes | None] = self._seek
        self._start = b""
        self._tail = b""

    def feed(self, chunk: bytes) -> None:
        if self._is_off or self.hit is not None:
            return
        rest: bytes | None = self._held + chunk
        while rest is not None and self.hit is None:
            rest = self._state(rest)

    # Each state gets what is unread, from a line end on. It returns what is left for the next state, or
    # None when it needs more, having put aside in _held what must be read again.

    def _seek(self, data: bytes) -> bytes | None:
        at = data.lower().find(_NAME)
        if at < 0:
            self._held = data[-len(_NAME) + 1 :]
            return None
        self._state = self._field
        return data[at:]

    def _field(self, data: bytes) -> bytes | None:
        end = _FIELD_END.search(data, len(_NAME), MAX_FIELD)
        if end is None and len(data) < MAX_FIELD:
            self._held = data
            return None
        stop = end.start() if end is not None else MAX_FIELD
        self._state = self._header if _VALUE.match(data, len(_NAME), stop) else self._seek
        return data[stop:]

    def _header(self, data: bytes) -> bytes | None:
        end = _BLANK_LINE.search(data)
        if end is None:
            self._held = data[-2:]
            return None
        self._start = self._tail = b""
        self._state = self._body
        return data[end.end() - 1 :]

    def _body(self, data: bytes) -> bytes | None:
        end = data.find(b"\n--")
        if end >= 0:
            self._look(data[:end])
            self._state = self._seek
            return data[end:]
        keep = 2 if data.endswith(b"\n-") else 1 if data.endswith(b"\n") else 0
        self._look(data[: len(data) - keep])
        self._held = data[len(data) - keep :]
        return None

    def _look(self, data: bytes) -> None:
        text = data.translate(None, _NOT_BASE64)
        if len(self._start) < SIGNATURE_LENGTH:
            text = self._start + text
            self._start = text[:SIGNATURE_LENGTH]
            if len(text) < SIGNATURE_LENGTH:
                return
            if self._start in self._signatures:
                self.hit = Hit("chksignature", self._start.decode("ascii"))
                return
        if self._loaders:
            self._search(self._loaders, text)

    def _search(self, loaders: LoaderMatcher, text: bytes) -> None:
        text = self._tail + text
        if found := loaders.first_in(text):
            self.hit = Hit("chkloadertype", found.decode("ascii"))
        self._tail = text[-LOADER_LENGTH + 1 :]
