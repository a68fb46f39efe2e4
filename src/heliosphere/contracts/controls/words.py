"""Words that some controls are made of, for who checks a value and for who obeys it."""

from __future__ import annotations

FACILITIES = {
    "kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8,
    "cron": 9, "authpriv": 10, "ftp": 11, **{f"local{number}": 16 + number for number in range(8)},
}  # fmt: skip
"""Of syslog(3), with their numbers (RFC 3164, 4.1.1)."""
LEVELS = {
    "emerg": 0, "alert": 1, "crit": 2, "err": 3, "warning": 4, "warn": 4, "notice": 5, "info": 6, "debug": 7,
}  # fmt: skip

TLS_OFFERED = ("TLSv1.2", "TLSv1.3")
TLS_OBSOLETE = {
    "SSLv2": "RFC 6176",
    "SSLv3": "RFC 7568",
    "TLSv1": "RFC 8996",
    "TLSv1.1": "RFC 8996",
}
"""Versions that may be written but are never offered, with the document that withdrew each."""
