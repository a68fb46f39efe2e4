"""When a job is tried again. Pure."""

from __future__ import annotations

from datetime import timedelta

#: How long a silent worker keeps a job. Workers renew it every few seconds.
LEASE = timedelta(seconds=20)
_FIRST_DELAYS = (1, 2, 5, 15, 60, 300, 900)
_LONGEST = 3600


def retry_delay(attempts: int) -> timedelta:
    """The wait after the n-th failed try: quick at first, at most an hour."""
    if attempts <= len(_FIRST_DELAYS):
        return timedelta(seconds=_FIRST_DELAYS[max(attempts, 1) - 1])
    return timedelta(seconds=min(_LONGEST, _FIRST_DELAYS[-1] * 2 ** (attempts - len(_FIRST_DELAYS))))
