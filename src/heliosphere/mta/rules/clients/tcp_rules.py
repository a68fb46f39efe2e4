"""tcp.smtp: who may connect, and what is set for whom. Rule lines, their cdb records, and who gets which.

The text form and the records are those of ucspi-tcp's tcprules, byte for byte where that program takes a
line; the order of lookup is tcpserver's.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ACTION = re.compile(r":(?=(?:allow|deny)(?:[,\s]|\Z))")
_RANGE = re.compile(r"(?P<first>[0-9]{0,9})-(?P<last>[0-9]{0,9})\Z")
_IPV4 = re.compile(r"([0-9]{1,3}\.){1,3}\Z|([0-9]{1,3}\.){3}[0-9]{1,3}\Z")
LARGEST_OCTET = 255
DENIED = b"D\0"


@dataclass(frozen=True, slots=True)
class TcpRuleProblem:
    """What is wrong in line `line` (from 1). A warning leaves the rule in force, an error the old file."""

    line: int
    text: str
    reason: str
    is_warning: bool = False

    def __str__(self) -> str:
        kind = "warning" if self.is_warning else "error"
        return f"line {self.line}: {kind}: {self.reason}: {self.text}"


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule as written. `keys` are the addresses it is stored under: several for a range."""

    line: int
    keys: tuple[str, ...]
    is_allowed: bool
    variables: tuple[tuple[str, str], ...] = ()

    def data(self) -> bytes:
        """`D\\0` for deny, then `+NAME=value\\0` for each variable; nothing at all for a plain allow."""
        parts = [] if self.is_allowed else [DENIED]
        parts += [b"+" + _bytes(name) + b"=" + _bytes(value) + b"\0" for name, value in self.variables]
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class TcpRule:
    """The rule in force for one client. `key` is the address it was found under; empty: the default."""

    key: str
    is_allowed: bool
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class _BadLine(Exception):
    pass


# Text to rules


def parse_rules(text: str) -> tuple[tuple[RuleLine, ...], tuple[TcpRuleProblem, ...]]:
    """All rules of a file, and what is wrong with it. Any problem that is no warning means: do not use it.

    Comments, empty lines and lines without a colon say nothing, as for tcprules; the last are warned of.
    """
    rules: list[RuleLine] = []
    problems: list[TcpRuleProblem] = []
    for number, line in enumerate(text.split("\n"), 1):
        cut = line.rstrip(" \t\r")
        if not cut or cut.startswith("#"):
            continue
        try:
            rule, warnings = _parse_line(number, cut)
        except _BadLine as bad:
            problems.append(TcpRuleProblem(number, cut, str(bad)))
            continue
        problems += [TcpRuleProblem(number, cut, reason, is_warning=True) for reason in warnings]
        if rule is not None:
            rules.append(rule)
    return tuple(rules), tuple(problems)


def errors_in(problems: tuple[TcpRuleProblem, ...]) -> tuple[TcpRuleProblem, ...]:
    return tuple(one for one in problems if not one.is_warning)


def _parse_line(number: int, line: str) -> tuple[RuleLine | None, list[str]]:
    if ":" not in line:
        return None, ["no colon, so this rules nothing"]
    if "\0" in line:
        raise _BadLine("a zero byte cannot be part of a rule")
    pattern, rest = _split_pattern(line)
    warnings: list[str] = []
    is_allowed, rest = _action(rest)
    variables = tuple(_variables(rest, warnings))
    keys = tuple(_keys(pattern, warnings))
    return RuleLine(number, keys, is_allowed, variables), warnings


def _split_pattern(line: str) -> tuple[str, str]:
    """The colon that an action follows ends the pattern: IPv6 addresses have more of them."""
    found = _ACTION.search(line)
    at = found.start() if found is not None else line.index(":")
    return line[:at], line[at + 1 :]


def _action(rest: str) -> tuple[bool, str]:
    for word, is_allowed in (("deny", False), ("allow", True)):
        if rest.startswith(word):
            return is_allowed, rest.removeprefix(word)
    raise _BadLine("allow or deny must follow the colon at once")


def _variables(rest: str, warnings: list[str]) -> Iterator[tuple[str, str]]:
    """`,NAME=qVALUEq` again and again, q being any one character."""
    while rest:
        if not rest.startswith(","):
            raise _BadLine(f"a comma is expected before {rest[:20]!r}")
        name, equals, rest = rest[1:].partition("=")
        if not equals:
            raise _BadLine(f"no = after {name[:20]!r}")
        if name != name.strip(" \t"):
            warnings.append("blanks around a name are not part of it")
            name = name.strip(" \t")
        if not _NAME.match(name):
            raise _BadLine(f"{name[:20]!r} cannot be the name of a variable")
        if not rest:
            raise _BadLine(f"{name} has no value, not even an empty one in quotes")
        mark = rest[0]
        value, end, rest = rest[1:].partition(mark)
        if not end:
            raise _BadLine(f"the quote {mark} of {name} is not closed")
        yield name, value


def _keys(pattern: str, warnings: list[str]) -> Iterator[str]:
    """Host names are stored in lower case, as they are looked up."""
    if " " in pattern or "\t" in pattern:
        warnings.append("an address with blanks matches nobody")
        yield pattern
        return
    before, at, address = pattern.rpartition("@")
    info = before + at
    if "=" in pattern:
        start, _, host = pattern.partition("=")
        yield f"{start}={host.lower()}"
    elif ":" in address:
        yield info + _ipv6_key(address, warnings)
    elif "-" in address and not info:
        yield from _range(address, warnings)
    else:
        if address and not _is_ipv4_or_start(address):
            warnings.append("neither a whole IP address nor the start of one that ends in a dot")
        yield pattern


def _ipv6_key(pattern: str, warnings: list[str]) -> str:
    """A whole address in its short form; a prefix `2001:db8:` as groups without leading zeros."""
    try:
        address = ipaddress.IPv6Address(pattern)
    except ValueError:
        groups = pattern.removesuffix(":").split(":")
        if not pattern.endswith(":") or not all(re.fullmatch(r"[0-9A-Fa-f]{1,4}", one) for one in groups):
            warnings.append("neither an IPv6 address nor the start of one that ends in a colon")
            return pattern.lower()
        return "".join(f"{int(group, 16):x}:" for group in groups)
    if pattern.endswith("::"):
        warnings.append(
            f"this is the one address {address}; all that begin so are written {pattern.removesuffix(':')}"
        )
    return str(address.ipv4_mapped or address)


def _range(pattern: str, warnings: list[str]) -> Iterator[str]:
    """`10.1.2.5-7` as three addresses. Numbers past 255 are cut to it, an empty one is 0, as in tcprules."""
    before, octet, after = _ranged_octet(pattern)
    found = _RANGE.match(octet)
    if found is None:
        raise _BadLine(f"{octet!r} is not a range of two numbers")
    first, last = int(found["first"] or 0), min(int(found["last"] or 0), LARGEST_OCTET)
    if first > last:
        warnings.append("the range is empty")
    elif not _is_ipv4_or_start(f"{before}{first}{after}"):
        warnings.append("the range does not stand in an IP address, so this matches nobody")
    for one in range(first, last + 1):
        yield f"{before}{one}{after}"


def _ranged_octet(pattern: str) -> tuple[str, str, str]:
    at = pattern.index("-")
    start = pattern.rfind(".", 0, at) + 1
    end = pattern.find(".", at)
    end = len(pattern) if end < 0 else end
    return pattern[:start], pattern[start:end], pattern[end:]


def _is_ipv4_or_start(text: str) -> bool:
    numbers = text.removesuffix(".").split(".")
    return bool(_IPV4.match(text)) and all(int(number) <= LARGEST_OCTET for number in numbers)


# Rules to records, and back


def rule_records(rules: tuple[RuleLine, ...]) -> Iterator[tuple[bytes, bytes]]:
    """The records of the cdb, in file order. Of several with one key, readers take the first."""
    for rule in rules:
        data = rule.data()
        for key in rule.keys:
            yield _bytes(key), data


def rule_from_data(key: str, data: bytes) -> TcpRule:
    """What a record means. Parts that are neither a denial nor a variable count for nothing."""
    is_allowed, environment = True, {}
    for part in data.split(b"\0")[:-1]:
        if part.startswith(b"D"):
            is_allowed = False
        elif part.startswith(b"+") and b"=" in part:
            name, _, value = part[1:].partition(b"=")
            environment[_text(name)] = _text(value)
    return TcpRule(key, is_allowed, MappingProxyType(environment))


# Who gets which


def plain_ip(ip: str) -> str:
    """The form addresses are stored in: IPv4 as such even when mapped into IPv6, IPv6 short, lower case."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def lookup_keys(ip: str, host: str = "", info: str = "") -> Iterator[str]:
    """Keys for a client in the order they are tried. Empty `host` and `info` mean: not known."""
    ip, host = plain_ip(ip), host.lower()
    if info:
        yield f"{info}@{ip}"
        if host:
            yield f"{info}@={host}"
    yield ip
    if host:
        yield f"={host}"
    yield from _ip_prefixes(ip)
    if host:
        yield from _host_endings(host)
        yield "="
    yield ""


def _ip_prefixes(ip: str) -> Iterator[str]:
    if ":" in ip:
        groups = [f"{int(group, 16):x}" for group in ipaddress.ip_address(ip).exploded.split(":")]
        separator = ":"
    else:
        groups, separator = ip.split("."), "."
    for count in range(len(groups) - 1, 0, -1):
        yield separator.join(groups[:count]) + separator


def _host_endings(host: str) -> Iterator[str]:
    for at, char in enumerate(host):
        if char == ".":
            yield "=" + host[at:]


def find_rule(
    get: Callable[[bytes], bytes | None], ip: str, host: str = "", info: str = ""
) -> TcpRule | None:
    """The first rule that `get` knows for this client; None: nothing is said about it, so it may connect."""
    for key in lookup_keys(ip, host, info):
        data = get(_bytes(key))
        if data is not None:
            return rule_from_data(key, data)
    return None


MAXCONNIP = "MAXCONNIP"


def connections_per_ip(ip: str, environment: Mapping[str, str], periplimit: int) -> int | None:
    """Most sessions `ip` may have at a time: MAXCONNIP of its rule, else the control; None: no limit.

    Loopback addresses have none, or web mail would lock itself out.
    """
    if ipaddress.ip_address(plain_ip(ip)).is_loopback:
        return None
    given = environment.get(MAXCONNIP, "")
    limit = int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else periplimit
    return limit if limit > 0 else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
