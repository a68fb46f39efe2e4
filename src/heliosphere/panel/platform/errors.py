"""Three kinds of trouble. `Refused`: a person must change something. `TryLater`: the world is in the way.

Anything else is our bug and is not caught before the edge. Middleware and API turn kinds into
answers in one place each.
"""

from __future__ import annotations

from django.utils.functional import Promise

Text = str | Promise


class Trouble(Exception):
    """Carries a stable code, a text for people, and what to do about it."""

    status = 500

    def __init__(
        self, message: Text, *, code: str, field: str = "", advice: Text = "", **facts: object
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.field, self.advice, self.facts = message, code, field, advice, facts


class Refused(Trouble):
    """The rules do not allow it as asked; `field` names the input to change, where there is one."""

    status = 422


class NotYours(Refused):
    """There is no such object for this principal: the same answer whether it exists or not."""

    status = 404

    def __init__(self, what: Text = "There is nothing here for you.") -> None:
        super().__init__(what, code="not-found")


class Forbidden(Refused):
    """The principal is known and may not do this."""

    status = 403


class TryLater(Trouble):
    """Nothing is wrong with the request; a service did not answer. Safe to send again."""

    status = 503
