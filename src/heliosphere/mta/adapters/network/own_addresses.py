"""The addresses of this machine, as the kernel lists them."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

_LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


def own_addresses(proc: Path = Path("/proc/net")) -> frozenset[str]:
    """IPv4 and IPv6 addresses in their usual text form; empty where the kernel does not say."""
    return frozenset(_LOCAL.findall(_text(proc / "fib_trie"))) | _ipv6(_text(proc / "if_inet6"))


def is_loopback(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _ipv6(text: str) -> frozenset[str]:
    words = (line.split() for line in text.splitlines())
    return frozenset(str(ipaddress.IPv6Address(int(one[0], 16))) for one in words if one)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""
