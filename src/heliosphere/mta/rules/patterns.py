"""Lists of addresses, hosts and patterns, compiled for look-up (rules G8 to G10).

Ten thousand entries cost about as much as ten: exact entries are found by hashing; patterns are found by
four-letter pieces of their literal parts, and only those whose piece occurs in the subject are
tried. Each look-up returns the entry that decided, so that an answer can name file and line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from heliosphere.contracts.controls.line_checks import pattern_problem, set_end
from heliosphere.contracts.controls.registry import Entry

QUESTION_MAY_BE_EMPTY = False
"""The guide's words for `?` are "zero or one"; the original matcher takes exactly one character."""

_SIGNS = frozenset("*?[\\")
_PIECE = 4


def is_pattern(entry: str) -> bool:
    return any(char in _SIGNS for char in entry)


def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """A glob as a regular expression that needs time linear in the subject; None for one that never matches.

    Each run between two stars is found at its first place and never given back (an atomic group): for
    globs that loses no match.
    """
    if pattern_problem(pattern) is not None:
        return None
    runs = _runs(pattern)
    if len(runs) == 1:
        return re.compile(rf"{_join(runs[0])}\Z", re.DOTALL)
    middle = "".join(rf"(?>.*?{_join(run)})" for run in runs[1:-1] if run)
    return re.compile(rf"{_join(runs[0])}{middle}.*{_join(runs[-1])}\Z", re.DOTALL)


def matches(pattern: str, subject: str) -> bool:
    compiled = compile_pattern(pattern)
    return compiled is not None and compiled.match(subject) is not None


def _join(run: list[str]) -> str:
    return "".join(run)


def _runs(pattern: str) -> list[list[str]]:
    """The pattern cut at its stars; each run is a list of expressions for one character each."""
    runs: list[list[str]] = [[]]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            runs.append([])
        elif char == "?":
            runs[-1].append(".?" if QUESTION_MAY_BE_EMPTY else ".")
        elif char == "\\":
            at += 1
            runs[-1].append(re.escape(pattern[at]))
        elif char == "[":
            end = set_end(pattern, at)
            runs[-1].append(_set(pattern[at + 1 : end]))
            at = end
        else:
            runs[-1].append(re.escape(char))
        at += 1
    return runs


def _set(inside: str) -> str:
    """A set of characters; a range that runs backwards is empty, as in the original."""
    negated = inside.startswith("^")
    members = inside.removeprefix("^")
    parts: list[str] = []
    at = 0
    while at < len(members):
        if members[at + 1 : at + 2] == "-" and at + 2 < len(members):
            low, high = members[at], members[at + 2]
            if low <= high:
                parts.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            parts.append(re.escape(members[at]))
            at += 1
    if not parts:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{''.join(parts)}]"


def _literals(pattern: str) -> list[str]:
    """Runs of plain characters of a pattern."""
    found, now, at = [], "", 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
            now += pattern[at]
        elif char in "*?[":
            found.append(now)
            now = ""
            if char == "[":
                at = set_end(pattern, at)
        else:
            now += char
        at += 1
    return [*found, now]


class _Rule:
    """A pattern of a list. It is compiled when a subject first comes near it: a list of ten thousand is
    read in a moment, and most of its lines are never tried."""

    __slots__ = ("_compiled", "_pattern", "entry", "excepts", "place")

    def __init__(self, place: int, excepts: bool, pattern: str, entry: Entry) -> None:
        self.place, self.excepts, self.entry = place, excepts, entry
        self._pattern = pattern
        self._compiled: re.Pattern[str] | None = None

    def matches(self, subject: str) -> bool:
        if self._compiled is None:
            self._compiled = compile_pattern(self._pattern)
        return self._compiled is not None and self._compiled.match(subject) is not None


def _pieces(pattern: str) -> list[str]:
    """All runs of four letters in its literal parts: `*junk*@one.test` is told from its like by `junk`, which
    need not be the longest part."""
    literals = _literals(pattern)
    return [part[at : at + _PIECE] for part in literals for at in range(len(part) - _PIECE + 1)]


class PatternSet:
    """Patterns in file order: the last one that matches decides (rule G10)."""

    def __init__(self, entries: Iterable[tuple[Entry, str, bool]]) -> None:
        """`entries`: entry, its pattern, and whether it excepts."""
        good = [(place, *one) for place, one in enumerate(entries) if pattern_problem(one[1]) is None]
        pieces_of = [_pieces(pattern) for _, _, pattern, _ in good]
        # Each pattern is filed under its rarest piece: `test` or `mail` are in everything.
        often = Counter(piece for pieces in pieces_of for piece in set(pieces))
        self._pieces: dict[str, list[_Rule]] = {}
        self._always: list[_Rule] = []
        for (place, entry, pattern, excepts), pieces in zip(good, pieces_of, strict=True):
            rule = _Rule(place, excepts, pattern, entry)
            if pieces:
                self._pieces.setdefault(min(pieces, key=often.__getitem__), []).append(rule)
            else:
                self._always.append(rule)

    def last_match(self, subject: str) -> tuple[Entry, bool] | None:
        """The deciding entry and whether it excepts."""
        best: _Rule | None = None
        for rule in self._candidates(subject):
            if (best is None or rule.place > best.place) and rule.matches(subject):
                best = rule
        return None if best is None else (best.entry, best.excepts)

    def _candidates(self, subject: str) -> Sequence[_Rule]:
        pieces = self._pieces
        if not pieces:
            return self._always
        hits = [subject[at : at + _PIECE] for at in range(len(subject) - _PIECE + 1)]
        found = self._always
        for piece in hits:
            if piece in pieces:
                found = found + pieces[piece]
        return found


class AddressList:
    """Plain entries: a whole address, or `@host` for everybody there. Case does not count (rule G8)."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            self._entries.setdefault(entry.lower(), entry)

    def find(self, address: str) -> Entry | None:
        if not address:
            return None
        address = address.lower()
        found = self._entries.get(address)
        if found is not None:
            return found
        _, at, host = address.rpartition("@")
        return self._entries.get(f"@{host}") if at else None


class AddressOnlyList(AddressList):
    """As AddressList, for lists in which an entry without `@` never matches."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__(entry for entry in entries if "@" in entry)


class PatternList:
    """Exact entries first, which decide at once; then patterns, of which the last match decides.

    Exact entries do not look at case, patterns do (rules G9, G10).
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        entries = tuple(entries)
        plain = [entry for entry in entries if not entry.startswith("!") and not is_pattern(entry)]
        self._exact = AddressList(plain)
        self._patterns = PatternSet(
            (entry, entry.removeprefix("!"), entry.startswith("!"))
            for entry in entries
            if (entry.startswith("!") or is_pattern(entry)) and entry != "!"
        )

    def find(self, subject: str) -> Entry | None:
        """The entry that lists `subject`; None when it is not listed or excepted. "" is never listed."""
        if not subject:
            return None
        found = self._exact.find(subject)
        if found is not None:
            return found
        decided = self._patterns.last_match(subject)
        return None if decided is None or decided[1] else decided[0]


class GreetingList:
    """badhelo: a pattern list with two special lines. `!` alone: the greeting is not the client's name in
    the DNS. `.` alone: the greeting has no dot."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        entries = tuple(entries)
        special = {str(entry): entry for entry in entries if entry in ("!", ".")}
        self.needs_name = special.get("!")
        self._needs_dot = special.get(".")
        self._rest = PatternList(entry for entry in entries if entry not in ("!", "."))

    def find(self, greeting: str, client_name: str | None) -> Entry | None:
        """`client_name` None: not known, so it is not compared."""
        if not greeting:
            return None
        found = self._rest.find(greeting)
        if found is None and self._needs_dot is not None and "." not in greeting:
            found = self._needs_dot
        if found is None and self.needs_name is not None and client_name is not None:
            found = self.needs_name if greeting.lower() != client_name else None
        return found


@dataclass(frozen=True, slots=True)
class RelayGrant:
    """`suffix` is appended to every recipient, as RELAYCLIENT's value is."""

    entry: Entry
    suffix: str = ""


class RelayList:
    """relayclients and relaydomains: exact names, beginnings or endings, patterns, `!` excepts.

    An exact entry decides at once; of all others the last one that matches decides, so that an exception
    may stand below any broad line.
    """

    def __init__(self, entries: Iterable[Entry], *, are_hosts: bool) -> None:
        self._exact: dict[str, RelayGrant] = {}
        rules: list[tuple[Entry, str, bool]] = []
        self._suffixes: dict[int, str] = {}
        for entry in entries:
            excepts = entry.startswith("!")
            name, suffix = _split_suffix(entry.removeprefix("!"))
            name = name.lower()
            self._suffixes[entry.line] = suffix
            is_part = name.startswith(".") if are_hosts else name.endswith((".", ":"))
            if is_part and not is_pattern(name):
                rules.append((entry, f"*{name}" if are_hosts else f"{name}*", excepts))
            elif excepts or is_pattern(name):
                rules.append((entry, name, excepts))
            else:
                self._exact.setdefault(name, RelayGrant(entry, suffix))
        self._patterns = PatternSet(rules)

    def find(self, client: str) -> RelayGrant | None:
        client = client.lower()
        if not client:
            return None
        found = self._exact.get(client)
        if found is not None:
            return found
        decided = self._patterns.last_match(client)
        if decided is None or decided[1]:
            return None
        return RelayGrant(decided[0], self._suffixes[decided[0].line])


def _split_suffix(text: str) -> tuple[str, str]:
    """`198.51.100.7:@gate.test` has a suffix; an IPv6 address has none."""
    name, colon, suffix = text.partition(":")
    if not colon or ":" in suffix or (suffix and "@" not in suffix and "." not in suffix):
        return text, ""
    return name, suffix


class DomainList:
    """`d.test` is that domain, `.d.test` all below it; the longest entry decides. Case does not count."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.lower(): entry for entry in reversed(tuple(entries))}

    def find(self, domain: str) -> Entry | None:
        domain = domain.lower()
        found = self._entries.get(domain)
        at = domain.find(".")
        while found is None and at >= 0:
            found = self._entries.get(domain[at:])
            at = domain.find(".", at + 1)
        return found


class UnknownSenderList:
    """badmailfrom-unknown: `host`, `@host`, `user@host`, and `.host` for all below it."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        entries = tuple(entries)
        self._addresses = AddressList(entry for entry in entries if "@" in entry)
        self._domains = DomainList(entry for entry in entries if "@" not in entry)

    def find(self, address: str) -> Entry | None:
        if not address:
            return None
        return self._addresses.find(address) or self._domains.find(address.rpartition("@")[2])
