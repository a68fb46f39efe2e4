"""Password hashes: crypt(3) strings as vpopmail keeps them, and Argon2id. The one place that hashes."""

from __future__ import annotations

import hmac
import warnings

with warnings.catch_warnings():
    # Python 3.11 warns that `crypt` leaves the standard library in 3.13; this project is pinned to 3.11.
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt

_CRYPT_PREFIXES = ("$6$", "$5$", "$1$")
DUMMY_HASH = "$6$nobodyhasthis$" + "." * 86
"""Checked for an unknown user, so that an answer takes as long as for a known one."""


def hash_password(clear: str) -> str:
    """A SHA-512 crypt string with a fresh salt. Raises ValueError for a password crypt(3) cannot take."""
    if "\0" in clear:
        raise ValueError("a password cannot hold a zero byte")
    return crypt.crypt(clear, crypt.mksalt(crypt.METHOD_SHA512))


def verify_password(clear: str, hashed: str) -> bool:
    """Compare in constant time. An empty password, or a hash of no known kind, never matches."""
    if not clear or "\0" in clear:
        return False
    if hashed.startswith("$argon2"):
        return _verify_argon2(clear, hashed)
    if not hashed.startswith(_CRYPT_PREFIXES):
        return False
    try:
        made = crypt.crypt(clear, hashed)
    except OSError:  # crypt(3) refuses a malformed salt
        return False
    return hmac.compare_digest(made.encode(), hashed.encode())


def _verify_argon2(clear: str, hashed: str) -> bool:
    # Imported when first needed: most trees hold crypt strings only, and memory counts here.
    import argon2

    try:
        return argon2.PasswordHasher().verify(hashed, clear)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
