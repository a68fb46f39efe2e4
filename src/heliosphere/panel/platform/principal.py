"""Who acts. Every query and every write is handed one of these; nothing guesses it from a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "owner", "reseller", "customer", "visitor"]


@dataclass(frozen=True, slots=True)
class Principal:
    """The acting person or program and how far it sees.

    owner: staff of the provider that runs the installation; reseller: staff of a reseller, sees that
    provider's rows only; customer: one account; visitor: nobody signed in; system: periodic jobs.
    `scopes` limits an API token further; empty means all that the role may do.
    """

    role: Role
    label: str
    provider_id: int | None = None
    user_id: int | None = None
    account_id: int | None = None
    scopes: frozenset[str] = frozenset()
    address: str = ""

    @property
    def is_staff(self) -> bool:
        """Whether the admin doors are open."""
        return self.role in ("owner", "reseller")

    def may(self, scope: str) -> bool:
        """Whether an API token (or a person, who has all scopes) covers `scope`."""
        return not self.scopes or scope in self.scopes


def system(name: str) -> Principal:
    """A program acting by itself, named in the audit trail."""
    return Principal(role="system", label=name)
