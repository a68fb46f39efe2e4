"""A registry: things declared once by name, in declaration order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


class Registry(Generic[N]):
    """Add at import, read everywhere. Two entries of one name are a bug and stop the start."""

    def __init__(self, what: str) -> None:
        self._what, self._entries = what, dict[str, N]()

    def add(self, entry: N) -> N:
        if entry.name in self._entries:
            raise ValueError(f"two {self._what}s are called {entry.name!r}")
        self._entries[entry.name] = entry
        return entry

    def __getitem__(self, name: str) -> N:
        return self._entries[name]

    def get(self, name: str) -> N | None:
        return self._entries.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[N]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)
