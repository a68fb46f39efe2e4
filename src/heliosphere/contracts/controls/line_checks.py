"""What is wrong with one entry of a control list, said in words; None when it is good."""

from __future__ import annotations

import ipaddress
import re

from heliosphere.contracts.controls.registry import Remark
from heliosphere.contracts.controls.words import FACILITIES, LEVELS, TLS_OBSOLETE, TLS_OFFERED

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\Z")
_PATTERN_SIGNS = frozenset("*?[\\")


def pattern_problem(entry: str) -> str | None:
    """Rule G9: an open `[` or a `\\` at the end can never match."""
    pattern = entry.removeprefix("!")
    if not pattern:
        return None if entry == "!" else "the pattern is empty"
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
            if at == len(pattern):
                return "a backslash at the end stands for nothing, so this never matches"
        elif pattern[at] == "[":
            at = set_end(pattern, at)
            if at < 0:
                return "the bracket is not closed, so this never matches"
        at += 1
    return None


def set_end(pattern: str, start: int) -> int:
    """Where the set that begins at `start` closes; -1 when it does not. `]` first in a set is a member."""
    at = start + 1
    if pattern[at : at + 1] == "^":
        at += 1
    return pattern.find("]", at + 1)


def mail_pattern(entry: str) -> str | None:
    return "an exclamation mark alone excepts nobody" if entry == "!" else pattern_problem(entry)


def sender(entry: str) -> str | None:
    if any(sign in entry for sign in "*?["):
        return Remark("pattern signs are plain text in this list; the list of patterns is another one")
    if "@" not in entry:
        return Remark("without @ this only matches an address without domain; a whole domain is @domain")
    return None


def address_or_domain(entry: str) -> str | None:
    if any(sign in entry for sign in "*?["):
        return "this list takes no patterns"
    if "@" not in entry or entry.endswith("@"):
        return "write user@domain, or @domain for all of it; this never matches"
    return host_problem(entry.rpartition("@")[2])


def host_problem(name: str) -> str | None:
    return None if _HOST.match(name) and len(name) <= 253 else "this is not a host name"


def unknown_sender(entry: str) -> str | None:
    return host_problem(entry.rpartition("@")[2].removeprefix("."))


def accepted_domain(entry: str) -> str | None:
    if "@" in entry:
        return "write the domain without a user; this never matches"
    return host_problem(entry.removeprefix(".").partition(":")[0])


def client_host(entry: str) -> str | None:
    name = entry.removeprefix("!").partition(":")[0]
    if _PATTERN_SIGNS & set(name):
        if name == "*":
            return Remark("this lets every client relay")
        return pattern_problem(name)
    return host_problem(name.removeprefix("."))


def client_address(entry: str) -> str | None:
    text = entry.removeprefix("!")
    if text == "*":
        return Remark("this lets every client relay")
    if _PATTERN_SIGNS & set(text):
        return pattern_problem(text)
    if text.endswith("."):
        return _prefix_problem(text)
    if text.count(":") == 1:
        text = text.partition(":")[0]
    if text.endswith(":") and text.count(":") > 1:
        return None
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "this is no IP address, prefix (10.7.) or pattern (10.7.*), so it never matches"
    return None


def _prefix_problem(text: str) -> str | None:
    parts = text[:-1].split(".")
    good = 1 <= len(parts) <= 3 and all(part.isdigit() and int(part) <= 255 for part in parts)
    return None if good else "a prefix has one to three numbers up to 255 and ends in a dot"


def network(entry: str) -> str | None:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return "this is neither an address nor a network like 10.7.0.0/16"
    return None


def greeting(entry: str) -> str | None:
    return None if entry in ("!", ".") else pattern_problem(entry)


def block_list(entry: str) -> str | None:
    text, is_quoted = entry, entry.startswith('"')
    if is_quoted:
        if len(text) < 2 or not text.endswith('"'):
            return "the quotation mark is not closed"
        text = text[1:-1]
    text = text.removeprefix("a:")
    zone, colon, words = text.partition(":")
    if not colon and " " in zone:
        return "a zone has no blanks; a text stands behind a colon"
    if "." not in zone or host_problem(zone) is not None:
        return "this is not the name of a DNS list"
    if not is_quoted and " " in words.strip():
        return Remark("a text with blanks belongs in quotation marks")
    return None


def signature(entry: str) -> str | None:
    return _base64_start(entry, 9)


def loader(entry: str) -> str | None:
    return _base64_start(entry, 5)


def _base64_start(entry: str, length: int) -> str | None:
    if len(entry) < length or not re.fullmatch(r"[A-Za-z0-9+/=]+", entry):
        return f"an entry has at least {length} characters of base64"
    return None


def syslog_target(text: str) -> str | None:
    facility, _, level = text.lower().partition(".")
    good = facility in FACILITIES and level in LEVELS
    return None if good else "write facility.level with names of syslog, such as local7.warn"


def statistics_facility(text: str) -> str | None:
    good = re.fullmatch(r"LOG_LOCAL[0-7]", text, re.IGNORECASE)
    return None if good else "write LOG_LOCAL0 to LOG_LOCAL7"


def tls_protocols(text: str) -> str | None:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word in TLS_OBSOLETE:
            return f"{word} is broken and switched off everywhere; use TLSv1.2,TLSv1.3"
        if word not in TLS_OFFERED:
            return f"{word} is not a protocol; use TLSv1.2,TLSv1.3"
    return None if words else "no protocol is named"


def sign_in_methods(text: str) -> str | None:
    known = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256")
    for word in text.upper().split():
        if word not in known:
            return f"{word} is not known; there are {', '.join(known)}"
    return None


def plain_word(text: str) -> str | None:
    return "blanks and @ are not allowed here" if re.search(r"[\s@]", text) else None


def endpoint(text: str) -> str | None:
    """HOST:PORT, or the path of a Unix socket."""
    if text.startswith("/"):
        return None
    host, _, port = text.rpartition(":")
    good = host and port.isdigit() and 0 < int(port) < 65536
    return None if good else "write HOST:PORT or the path of a socket"
