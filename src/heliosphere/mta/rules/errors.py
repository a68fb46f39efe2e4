"""The two kinds of trouble the engine expects. Everything else is a bug and is not caught before the edge."""

from __future__ import annotations


class Refused(Exception):
    """A person must change something. `code` is stable and meant for programs, the text for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class TryLater(Exception):
    """The world is in the way (disk full, host away); the same request may work later."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
