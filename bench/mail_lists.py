"""Twenty lists of ten thousand entries each, none of which says anything about the benchmark's own mail."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from heliosphere.mta.store import VpopmailTree

ENTRIES = 10_000
_CONSONANTS, _VOWELS = "bdfghklmnprstvwz", "aeiou"


def _words(seed: int) -> Iterator[str]:
    """Words as names are made of, never twice the same."""
    chance = random.Random(seed)
    seen: set[str] = set()
    while True:
        pairs = range(chance.randint(3, 5))
        word = "".join(chance.choice(_CONSONANTS) + chance.choice(_VOWELS) for _ in pairs)
        if word not in seen:
            seen.add(word)
            yield word


_SHAPES: dict[str, Callable[[int, str], str]] = {
    "relayclients": lambda n, word: f"10.{n // 250}.{n % 250}.7" if n % 2 else f"10.{n // 250}.{n % 250}.*",
    "relaydomains": lambda n, word: f".{word}.test" if n % 2 else f"mx.{word}.test",
    "badhelo": lambda n, word: f"*.{word}.test" if n % 2 else f"{word}.test",
    "badmailfrom": lambda n, word: f"@{word}.test" if n % 2 else f"info@{word}.test",
    "badmailpatterns": lambda n, word: f"*@*.{word}.test" if n % 2 else f"*{word}*@*",
    "badmailfrom-unknown": lambda n, word: f"@{word}.test" if n % 2 else f".{word}.test",
    "blackholedsender": lambda n, word: f"*@{word}[0-9].test" if n % 2 else f"{word}@{word}.test",
    "nomfdnscheck": lambda n, word: f"@{word}.test",
    "relaymailfrom": lambda n, word: f"boss@{word}.test",
    "badrcptto": lambda n, word: f"{word}@bench.test",
    "badrcptpatterns": lambda n, word: f"*{word}*@bench.test",
    "nogreylist": lambda n, word: f"@{word}.test",
    "rcpthosts": lambda n, word: f"{word}.test" if n % 2 else f".{word}.test",
    "locals": lambda n, word: f"{word}.test",
    "proxyprotocol": lambda n, word: f"10.{n // 250}.{n % 250}.0/24",
    "badsignatures": lambda n, word: f"TV{word[:6]}{n:04}",
    "badloadertypes": lambda n, word: f"{word[:4]}{n:04}",
}
"""Entry number n of each list, with a word of its own."""


def controls() -> dict[str, str]:
    """Text by control; lines of the tree's own must be put on top of rcpthosts."""
    found: dict[str, str] = {}
    for seed, (name, shape) in enumerate(_SHAPES.items()):
        lines = [shape(number, word) for number, word in zip(range(ENTRIES), _words(seed), strict=False)]
        found[name] = "\n".join(lines)
    return found


def write(home: Path) -> int:
    """Put the lists into a tree that is there; how many there are."""
    tree = VpopmailTree(home)
    for name, text in controls().items():
        path = tree.qmail.control / name
        own = path.read_text() if path.exists() else ""
        path.write_text(f"{own}{text}\n")
    more = {"virtualdomains": _virtual(tree.qmail.control / "virtualdomains"), "tcp.smtp": _rules()}
    (tree.qmail.control / "virtualdomains").write_text(more["virtualdomains"])
    (home / "vpopmail/etc/tcp.smtp").write_text(more["tcp.smtp"])
    clients = zip(range(ENTRIES), _words(98), strict=False)
    (tree.qmail.control / "spamdclients").write_text("".join(f"{word}@bench.test\n" for _, word in clients))
    return len(_SHAPES) + len(more) + 1


def _virtual(path: Path) -> str:
    own = path.read_text() if path.exists() else ""
    words = (word for _, word in zip(range(ENTRIES), _words(97), strict=False))
    return own + "".join(f"{word}.test:{word}.test\n" for word in words)


def _rules() -> str:
    return "".join(f'10.{n // 250}.{n % 250}.9:allow,SPFBEHAVIOR="0"\n' for n in range(ENTRIES))
