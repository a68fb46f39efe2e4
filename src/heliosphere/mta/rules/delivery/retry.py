"""When a message is tried again, and when it is given up (qmail's quadratic schedule)."""

from __future__ import annotations

from math import isqrt

LOCAL_STEP = 10
REMOTE_STEP = 20


def next_attempt(birth: int, now: int, step: int) -> int:
    """Seconds of the epoch of the next try: birth + (isqrt(age) + step)²."""
    age = max(0, now - birth)
    return birth + (isqrt(age) + step) ** 2


def is_expired(birth: int, now: int, lifetime: int) -> bool:
    """Past its lifetime a message gets one last try, whose temporary failures count as permanent."""
    return now - birth > lifetime
