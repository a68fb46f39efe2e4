"""The mail engine's store as the agent uses it: its class, its errors turned into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heliosphere.agent.rules.errors import Refused, TryLater
from heliosphere.mta import store as mta_store
from heliosphere.mta.store import SUSPENDED, UserFlag, VpopmailTree, VUser, why_not_domain

__all__ = ["SUSPENDED", "UserFlag", "VUser", "VpopmailTree", "open_store", "our_trouble", "why_not_domain"]

_ADVICE = {
    "no-domain": "Make the mail domain first, then retry.",
    "domain-exists": "Remove the other use of that name, then retry.",
    "postmaster": "Remove the mail domain to remove its postmaster.",
}


def open_store(section: dict[str, str]) -> VpopmailTree:
    return VpopmailTree(Path(section["root"]))


@contextmanager
def our_trouble() -> Iterator[None]:
    """Raise the store's trouble as the agent's: same code, same words, with advice."""
    try:
        yield
    except mta_store.Refused as error:
        advice = _ADVICE.get(error.code, "Correct it, then retry.")
        raise Refused(error.code.replace("-", "_"), str(error), advice) from error
    except mta_store.TryLater as error:
        raise TryLater(error.code.replace("-", "_"), str(error)) from error
