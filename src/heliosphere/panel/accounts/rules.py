"""Pure decisions about people and accounts."""

from __future__ import annotations

import re
from typing import Literal

SuspendAgent = Literal["admin", "reseller", "overlimit", "debt", "reseller_debt", "trial", "moneyback"]

_LOGIN = re.compile(r"[a-z][a-z0-9._-]{2,31}")
RESERVED_LOGINS = frozenset({"root", "postmaster", "webmaster", "hostmaster", "abuse", "system", "nobody"})

# Who suspended (key) decides who may resume (product facts, section 1.5).
_MAY_RESUME: dict[SuspendAgent, frozenset[SuspendAgent]] = {
    "admin": frozenset({"admin"}),
    "reseller": frozenset({"admin", "reseller"}),
    "overlimit": frozenset({"admin", "reseller"}),
    "debt": frozenset({"admin", "reseller", "debt"}),
    "reseller_debt": frozenset({"admin", "reseller", "reseller_debt"}),
    "trial": frozenset({"admin", "reseller"}),
    "moneyback": frozenset(),
}


def why_not_login(login: str) -> str | None:
    """A reason code when a new login may not be called this: "syntax" or "reserved"."""
    if not _LOGIN.fullmatch(login):
        return "syntax"
    return "reserved" if login in RESERVED_LOGINS else None


def staff_agent(role: str) -> SuspendAgent:
    """As which agent staff of this role suspend and resume."""
    return "admin" if role == "owner" else "reseller"


def may_resume(suspended_by: str, resumer: SuspendAgent) -> bool:
    """Whether `resumer` may undo a suspension made by `suspended_by`."""
    for agent, allowed in _MAY_RESUME.items():
        if agent == suspended_by:
            return resumer in allowed
    return resumer == "admin"
