"""The kinds of trouble a driver may meet. Anything else that is raised is a bug of ours."""

from __future__ import annotations


class Trouble(Exception):
    """Trouble with a stable `code`, a sentence for people and what they can do about it."""

    def __init__(self, code: str, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.advice = advice


class Refused(Trouble):
    """A person must change something; the same try would be refused again."""


class TryLater(Trouble):
    """The world is in the way (service down, disk full); the same try may work later."""


class Cancelled(Exception):
    """The panel took the job back before anything was changed."""
