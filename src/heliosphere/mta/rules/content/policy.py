"""What one recipient, or a whole domain, wants done with viruses and spam: values and their text form.

The text is the data of clamavclients.cdb and spamdclients.cdb, and the right side of a line of the files
they are made from:

    v1 action=move folder=Spam max_score=7 white=*@partner.test black=*@bulk.test,eve@far.test

`v1` may be left out; a higher version is refused. `white` and `black` may be repeated. In values `%XX`
stands for a byte, so that blanks, commas and percent signs can be written. Words with unknown names are
kept and written back, but have no effect.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar
from urllib.parse import quote, unquote

from heliosphere.mta.rules.addresses import Address

VERSION = 1
MAX_FOLDER = 64
HIGHEST_SCORE = 1000.0

_PLAIN = "".join(map(chr, range(33, 127))).replace("%", "").replace(",", "")
_FOLDER = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9 _+-]*(?:\.[A-Za-z0-9_+-][A-Za-z0-9 _+-]*)*\Z")
_USER = re.compile(r"[A-Za-z0-9._@+-]{1,255}\Z")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class PolicyError(ValueError):
    """The text of a policy cannot be used; the message says which word and why."""


class VirusAction(Enum):
    REJECT = "reject"
    """The sender is told; a message with several recipients is refused for all."""
    REMOVE = "remove"
    """Accepted, and thrown away for this recipient."""
    QUARANTINE = "quarantine"
    """Accepted, and put into a folder of the mailbox."""


class SpamAction(Enum):
    MARK = "mark"
    """Delivered with header fields that say so, and a tag in the subject if one is set."""
    MOVE = "move"
    """Marked, and put into a folder of the mailbox."""
    REMOVE = "remove"
    """Accepted, and thrown away for this recipient."""
    REJECT = "reject"
    """The sender is told, when no other recipient wants the message."""


@dataclass(frozen=True, slots=True)
class VirusPolicy:
    """`folder` is a mailbox folder, dots between the parts of its name."""

    action: VirusAction = VirusAction.REJECT
    folder: str = "Quarantine"
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SpamPolicy:
    """`max_score`: what is above it is spam; None leaves that to spamd's own threshold.

    `white` and `black` are addresses of senders, or masks with `*` and `?`; both outrank the score, and
    white outranks black. `user` names spamd's preferences for this recipient. `subject` is the tag.
    """

    action: SpamAction = SpamAction.MARK
    folder: str = "Spam"
    max_score: float | None = None
    white: tuple[str, ...] = ()
    black: tuple[str, ...] = ()
    user: str = ""
    subject: str = ""
    others: tuple[tuple[str, str], ...] = ()

    def is_white(self, sender: Address) -> bool:
        return _is_listed(sender, self.white)

    def is_black(self, sender: Address) -> bool:
        return _is_listed(sender, self.black) and not self.is_white(sender)


def parse_virus_policy(text: str) -> VirusPolicy:
    """The empty text is the default. Raises PolicyError."""
    words = _Words(text)
    return VirusPolicy(
        action=words.one("action", _virus_action, VirusAction.REJECT),
        folder=words.one("folder", _folder, "Quarantine"),
        others=words.unused(),
    )


def parse_spam_policy(text: str) -> SpamPolicy:
    """The empty text is the default. Raises PolicyError."""
    words = _Words(text)
    return SpamPolicy(
        action=words.one("action", _spam_action, SpamAction.MARK),
        folder=words.one("folder", _folder, "Spam"),
        max_score=words.one("max_score", _score, None),
        white=words.many("white"),
        black=words.many("black"),
        user=words.one("user", _user, ""),
        subject=words.one("subject", _subject, ""),
        others=words.unused(),
    )


def print_virus_policy(policy: VirusPolicy) -> str:
    """Text that parses to the same value."""
    return _print([("action", policy.action.value), ("folder", _quoted(policy.folder)), *policy.others])


def print_spam_policy(policy: SpamPolicy) -> str:
    """Text that parses to the same value."""
    words = [("action", policy.action.value), ("folder", _quoted(policy.folder))]
    if policy.max_score is not None:
        words.append(("max_score", _number(policy.max_score)))
    for name, entries in (("white", policy.white), ("black", policy.black)):
        if entries:
            words.append((name, ",".join(map(_quoted, entries))))
    words += [(name, _quoted(value)) for name, value in _texts(policy) if value]
    return _print([*words, *policy.others])


def _texts(policy: SpamPolicy) -> tuple[tuple[str, str], ...]:
    return ("user", policy.user), ("subject", policy.subject)


def _print(words: list[tuple[str, str]]) -> str:
    return " ".join([f"v{VERSION}", *(f"{name}={value}" for name, value in words)])


def _number(score: float) -> str:
    return f"{score:g}" if float(f"{score:g}") == score else repr(score)


def _quoted(value: str) -> str:
    return quote(value, safe=_PLAIN)


T = TypeVar("T")
D = TypeVar("D")


class _Words:
    """The `name=value` words of a policy, each taken once."""

    def __init__(self, text: str) -> None:
        words = text.split()
        if words and re.fullmatch(r"v\d+", words[0]):
            if words[0] != f"v{VERSION}":
                raise PolicyError(f"{words[0]}: only v{VERSION} is understood")
            words = words[1:]
        self._left = [self._split(word) for word in words]

    def one(self, name: str, read: Callable[[str], T], default: D) -> T | D:
        values = self._take(name)
        if len(values) > 1:
            raise PolicyError(f"{name} is given {len(values)} times")
        if not values:
            return default
        try:
            return read(_unquoted(values[0]))
        except PolicyError as error:
            raise PolicyError(f"{name}={values[0]}: {error}") from None

    def many(self, name: str) -> tuple[str, ...]:
        entries = [_unquoted(entry) for value in self._take(name) for entry in value.split(",") if entry]
        return tuple(dict.fromkeys(_mask(entry) for entry in entries))

    def unused(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._left)

    def _take(self, name: str) -> list[str]:
        taken = [value for found, value in self._left if found == name]
        self._left = [word for word in self._left if word[0] != name]
        return taken

    @staticmethod
    def _split(word: str) -> tuple[str, str]:
        name, equals, value = word.partition("=")
        if not equals or not _NAME.match(name):
            raise PolicyError(f"{word}: expected name=value")
        return name, value


def _unquoted(value: str) -> str:
    try:
        return unquote(value, errors="strict") if "%" in value else value
    except UnicodeDecodeError as error:
        raise PolicyError(f"{value}: the %XX in it are not UTF-8") from error


def _virus_action(value: str) -> VirusAction:
    try:
        return VirusAction(value)
    except ValueError:
        raise PolicyError("one of " + ", ".join(one.value for one in VirusAction)) from None


def _spam_action(value: str) -> SpamAction:
    try:
        return SpamAction(value)
    except ValueError:
        raise PolicyError("one of " + ", ".join(one.value for one in SpamAction)) from None


def _folder(value: str) -> str:
    """A folder name without the leading dot of Maildir++; no path can be made of it."""
    if len(value) > MAX_FOLDER or not _FOLDER.match(value):
        raise PolicyError("a folder has letters, digits, blanks, _ + - and single dots between parts")
    return value


def _score(value: str) -> float:
    try:
        score = float(value)
    except ValueError:
        raise PolicyError("a number is needed") from None
    if not math.isfinite(score) or not -HIGHEST_SCORE <= score <= HIGHEST_SCORE:
        raise PolicyError(f"a score lies between -{HIGHEST_SCORE:g} and {HIGHEST_SCORE:g}")
    return score


def _user(value: str) -> str:
    if not _USER.match(value):
        raise PolicyError("a name of preferences has letters, digits and . _ @ + -")
    return value


def _subject(value: str) -> str:
    if len(value) > MAX_FOLDER or not all(32 <= ord(char) < 127 for char in value):
        raise PolicyError(f"a tag has at most {MAX_FOLDER} visible ASCII characters")
    return value


def _mask(value: str) -> str:
    if not all(33 <= ord(char) < 127 for char in value):
        raise PolicyError(f"{value}: an address or mask has visible ASCII characters only")
    return "*" + value.lower() if value.startswith("@") else value.lower()


def _is_listed(sender: Address, masks: tuple[str, ...]) -> bool:
    if sender.is_null or not masks:
        return False
    text = str(sender).lower()
    return any(matches_mask(text, mask) for mask in masks)


def matches_mask(text: str, mask: str) -> bool:
    """Does `mask`, with `*` for any run and `?` for one character, cover all of `text`?

    Written out because customers write masks: as a regular expression some would take for ever.
    """
    at = place = 0
    star = mark = -1
    while at < len(text):
        if place < len(mask) and mask[place] == "*":
            star, mark = place, at
            place += 1
        elif place < len(mask) and mask[place] in (text[at], "?"):
            at += 1
            place += 1
        elif star >= 0:
            mark += 1
            at, place = mark, star + 1
        else:
            return False
    return set(mask[place:]) <= {"*"}
