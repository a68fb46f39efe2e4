"""The PROXY header of a load balancer, versions 1 and 2: who is really connected.

Format of haproxy's proxy-protocol.txt. A balancer that is believed must send it; nothing is read beyond it.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
MAX_V1 = 107
MAX_V2 = 16 + 1024


class BadHeader(Exception):
    """What came first is no PROXY header."""


@dataclass(frozen=True, slots=True)
class Proxied:
    """`ip` empty: the balancer speaks for itself (a health check). `length`: bytes of the header."""

    ip: str
    length: int


def read_header(data: bytes) -> Proxied | None:
    """The header at the start of `data`; None until it is complete. Raises BadHeader."""
    if data[: len(SIGNATURE)] == SIGNATURE[: len(data)]:
        return _read_v2(data)
    if data[:6] == b"PROXY "[: len(data)]:
        return _read_v1(data)
    raise BadHeader


def _read_v1(data: bytes) -> Proxied | None:
    end = data.find(b"\r\n", 0, MAX_V1)
    if end < 0:
        if len(data) >= MAX_V1:
            raise BadHeader
        return None
    words = data[:end].decode("latin-1").split(" ")
    if words[1:2] == ["UNKNOWN"]:
        return Proxied("", end + 2)
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise BadHeader
    return Proxied(_address(words[2], 4 if words[1] == "TCP4" else 6), end + 2)


def _address(text: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise BadHeader from error
    if address.version != version:
        raise BadHeader
    return str(address)


def _read_v2(data: bytes) -> Proxied | None:
    if len(data) < 16:
        return None
    version_command, family, length = struct.unpack_from(">BBH", data, 12)
    if version_command >> 4 != 2 or version_command & 15 > 1 or 16 + length > MAX_V2:
        raise BadHeader
    if len(data) < 16 + length:
        return None
    if version_command & 15 == 0:  # LOCAL
        return Proxied("", 16 + length)
    sizes = {0x11: 4, 0x21: 16}
    size = sizes.get(family)
    if size is None:
        return Proxied("", 16 + length)
    if length < 2 * size + 4:
        raise BadHeader
    return Proxied(str(ipaddress.ip_address(data[16 : 16 + size])), 16 + length)
