"""Mailbox passwords are hashed as mail servers read them: crypt(3) with SHA-512 ($6$)."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt


def mailbox_hash(clear: str) -> str:
    """The hash that goes to the node. 100,000 rounds: slow for a thief, fast enough for a login."""
    return crypt.crypt(clear, crypt.mksalt(crypt.METHOD_SHA512, rounds=100_000))
