"""The wizard's steps and what each needs. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

STEPS = ("period", "domain", "contact", "payment", "login", "confirm")

_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\"]{2,}")
_LENGTHS = {
    "first_name": 80, "last_name": 80, "company": 120, "address": 200, "city": 100, "state": 100,
    "postal_code": 20, "country": 2, "phone": 40, "email": 254,
}  # fmt: skip
_REQUIRED = ("first_name", "last_name", "address", "city", "postal_code", "country", "email")


def contact_problems(contact: Mapping[str, str]) -> dict[str, str]:
    """Reason codes by field: "required", "too-long", "email" or "country"."""
    problems: dict[str, str] = {}
    for name, longest in _LENGTHS.items():
        value = contact.get(name, "").strip()
        if not value and name in _REQUIRED:
            problems[name] = "required"
        elif len(value) > longest:
            problems[name] = "too-long"
    if "email" not in problems and not _EMAIL.fullmatch(contact["email"].strip()):
        problems["email"] = "email"
    if "country" not in problems and not re.fullmatch(r"[A-Za-z]{2}", contact["country"].strip()):
        problems["country"] = "country"
    return problems
