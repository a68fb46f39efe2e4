"""Who has virus and spam checks: control/clamavclients and control/spamdclients, and the cdb made of each.

A line is an address, `user@domain` or `@domain` for all of it, and the words of its policy; `#` begins a
comment line. Programs read the cdb only, which always holds the last text without errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from heliosphere.mta.adapters.files.atomic_files import file_stamp, read_or_none, write_atomic
from heliosphere.mta.adapters.files.cdb_files import Cdb, write_cdb
from heliosphere.mta.adapters.files.locks import locked
from heliosphere.mta.rules.addresses import Address, parse_address
from heliosphere.mta.rules.content.policy import (
    PolicyError,
    SpamPolicy,
    VirusPolicy,
    parse_spam_policy,
    parse_virus_policy,
    print_spam_policy,
    print_virus_policy,
)
from heliosphere.mta.rules.errors import Refused, TryLater

ClientList = Literal["clamavclients", "spamdclients"]
CLIENT_LISTS: tuple[ClientList, ...] = ("clamavclients", "spamdclients")
MAX_REMEMBERED = 10_000
MODE = 0o644

P = TypeVar("P")


class FilterClients:
    """The ScanClients port. A damaged cdb, or a policy that cannot be read, raises TryLater.

    An absent cdb means that nobody is enrolled. Files are read again when they change, which is looked at
    on each call.
    """

    def __init__(self, control: Path) -> None:
        self._virus = _PolicyTable(control / "clamavclients.cdb", parse_virus_policy)
        self._spam = _PolicyTable(control / "spamdclients.cdb", parse_spam_policy)

    def virus_policy(self, recipient: Address) -> VirusPolicy | None:
        return self._virus.find(recipient)

    def spam_policy(self, recipient: Address) -> SpamPolicy | None:
        return self._spam.find(recipient)


class _PolicyTable(Generic[P]):
    """One cdb in memory, with the policies that were asked for."""

    def __init__(self, path: Path, parse: Callable[[str], P]) -> None:
        self._path, self._parse = path, parse
        self._stamp: object = None
        self._cdb: Cdb | None = None
        self._known: dict[str, P | None] = {}

    def find(self, recipient: Address) -> P | None:
        """By the whole address, then by its domain, both in lower case."""
        self._refresh()
        cdb = self._cdb
        if cdb is None:
            return None
        domain = f"@{recipient.domain.lower()}"
        found = self._policy(cdb, recipient.local.lower() + domain)
        return self._policy(cdb, domain) if found is None else found

    def _refresh(self) -> None:
        stamp = file_stamp(self._path)
        if stamp == self._stamp:
            return
        data = read_or_none(self._path)
        self._cdb = Cdb(data, self._path.name) if data is not None else None
        self._known.clear()
        self._stamp = stamp

    def _policy(self, cdb: Cdb, key: str) -> P | None:
        if key not in self._known:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[key] = self._read(cdb, key)
        return self._known[key]

    def _read(self, cdb: Cdb, key: str) -> P | None:
        data = cdb.get(key.encode("utf-8", "surrogateescape"))
        if data is None:
            return None
        try:
            return self._parse(data.decode("utf-8"))
        except (PolicyError, UnicodeDecodeError) as error:
            raise TryLater("bad-policy", f"{self._path.name}, {key}: {error}") from error


# Writing


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong in a line of the text, counted from 1."""

    line: int
    text: str


def check_client_text(which: ClientList, text: str) -> list[LineProblem]:
    """Everything that keeps the text from being used."""
    problems: list[LineProblem] = []
    first_at: dict[str, int] = {}
    for number, key, policy in _entries(text):
        if problem := _key_problem(key) or _policy_problem(which, policy):
            problems.append(LineProblem(number, problem))
        elif key in first_at:
            problems.append(LineProblem(number, f"{key} is in line {first_at[key]} already"))
        first_at.setdefault(key, number)
    return problems


def compile_clients(control: Path, which: ClientList) -> int:
    """Make the cdb of the text, whole or not at all; an absent text is an empty one. The number of entries.

    Raises Refused naming every bad line; the former cdb then stays in force.
    """
    with locked(control / f".{which}.lock"):
        return _compile(control, which, _text(control / which))


def set_client(
    control: Path, which: ClientList, address: str, policy: VirusPolicy | SpamPolicy | None
) -> None:
    """Enrol `address` (`user@domain` or `@domain`) or take it off the list, in text and cdb.

    Other lines and comments stay. Off the list already is success. Raises Refused.
    """
    key = address.lower()
    if problem := _key_problem(key):
        raise Refused("bad-address", problem)
    with locked(control / f".{which}.lock"):
        lines = [
            line
            for line in _text(control / which).splitlines()
            if next(_entries(line), (0, "", ""))[1] != key
        ]
        if policy is not None:
            lines.append(f"{key} {_printed(which, policy)}")
        _compile(control, which, "".join(f"{line}\n" for line in lines), write_text=True)


def listed_clients(control: Path, which: ClientList) -> dict[str, str]:
    """Address to policy, as the text has them."""
    return {key: policy for _, key, policy in _entries(_text(control / which))}


def _compile(control: Path, which: ClientList, text: str, *, write_text: bool = False) -> int:
    if problems := check_client_text(which, text):
        raise Refused("bad-line", "; ".join(f"{which} line {one.line}: {one.text}" for one in problems))
    records = [(key.encode(), policy.encode()) for _, key, policy in _entries(text)]
    # The text first: a crash between the two is mended by compiling again, as it is after an edit by hand.
    if write_text:
        write_atomic(control / which, text.encode(), MODE)
    write_cdb(control / f"{which}.cdb", records, MODE)
    return len(records)


def _text(path: Path) -> str:
    try:
        return (read_or_none(path) or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("bad-line", f"{path.name} is not UTF-8 text") from None


def _entries(text: str) -> Iterator[tuple[int, str, str]]:
    """Number, address in lower case, policy."""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split(None, 1)
        if words and not words[0].startswith("#"):
            yield number, words[0].lower(), words[1].rstrip() if len(words) > 1 else ""


def _key_problem(key: str) -> str | None:
    local, at, domain = key.rpartition("@")
    if not at or not domain:
        return f"{key}: write user@domain, or @domain for all of it"
    if parse_address(f"x{key}" if not local else key) is None:
        return f"{key} is not an address"
    return None


def _policy_problem(which: ClientList, policy: str) -> str | None:
    try:
        if which == "clamavclients":
            parse_virus_policy(policy)
        else:
            parse_spam_policy(policy)
    except PolicyError as error:
        return str(error)
    return None


def _printed(which: ClientList, policy: VirusPolicy | SpamPolicy) -> str:
    if which == "clamavclients" and isinstance(policy, VirusPolicy):
        return print_virus_policy(policy)
    if which == "spamdclients" and isinstance(policy, SpamPolicy):
        return print_spam_policy(policy)
    raise TypeError(f"{which} does not take {type(policy).__name__}")
