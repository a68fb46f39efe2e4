"""What is wrong with a line of SPF, as far as it shows without evaluating it; None when it is good.

The evaluator has the last word: what passes here and fails there is left out all the same.
"""

from __future__ import annotations

import ipaddress
import re

_MACRO = r"%\{{[{letters}][0-9]*r?[-.+,/_=]*\}}|%%|%_|%-|[!-$&-~]"
_DOMAIN = _MACRO.format(letters="slodiphv")
_SPEC = rf"(?:{_DOMAIN})+"
_MECHANISM = re.compile(
    rf"[-+~?]?(?:all|(?:a|mx)(?::{_SPEC}?)?(?:/\d+)?(?://\d+)?|ptr(?::{_SPEC})?|(?:include|exists):{_SPEC}"
    r"|ip(?P<version>[46]):(?P<network>\S+))\Z",
    re.IGNORECASE,
)
_MODIFIER = re.compile(rf"(?P<name>[A-Za-z][A-Za-z0-9_.-]*)=(?:{_DOMAIN})*\Z", re.IGNORECASE)
_TEXT = re.compile(rf"(?:{_MACRO.format(letters='slodiphvcrt')}| )*\Z", re.IGNORECASE)
_VERSION = re.compile(r"v=spf1(?: |\Z)", re.IGNORECASE)


def rules(text: str) -> str | None:
    """spfrules: terms without a version."""
    for term in text.split():
        modifier = _MODIFIER.match(term)
        if modifier is not None and modifier["name"].lower() in ("redirect", "exp"):
            return f"{term}: rules of your own have no redirect= and exp=, so the line is not used"
        if modifier is None and not _is_mechanism(term):
            return f"{term} is no mechanism, so the line is not used"
    return None


def record(text: str) -> str | None:
    """spfguess: a record, with or without its version."""
    text = text.strip()
    version = _VERSION.match(text)
    for term in text[version.end() :].split() if version is not None else text.split():
        if _MODIFIER.match(term) is None and not _is_mechanism(term):
            return f"{term} is no mechanism, so the line is not used"
    return None


def explanation(text: str) -> str | None:
    """spfexp: words with macros."""
    if _TEXT.match(text) is None:
        return "a percent sign begins no macro, or a sign is not ASCII, so the line is not used"
    return None


def _is_mechanism(term: str) -> bool:
    found = _MECHANISM.match(term)
    if found is None:
        return False
    if found["network"] is None:
        return True
    try:
        return ipaddress.ip_network(found["network"], strict=False).version == int(found["version"])
    except ValueError:
        return False
