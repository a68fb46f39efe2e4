"""Secrets at rest: a text field encrypted with the installation's keys (newest first, older still read)."""

from __future__ import annotations

import hashlib
import secrets as random
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=1)
def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.HELIOSPHERE.field_keys])


class SecretField(models.TextField):  # type: ignore[type-arg]
    """Reads and writes clear text in Python, stores Fernet tokens."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value in (None, "") else _box().encrypt(str(value).encode()).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return value if not value else _box().decrypt(value.encode()).decode()


def new_token() -> str:
    """256 random bits for a link or an API token."""
    return random.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """What is stored of a token: enough to find it, useless to a thief. Tokens are random, so no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
