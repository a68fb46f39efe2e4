"""Is it up? Each probe speaks a little of the service's own protocol."""

from __future__ import annotations

import socket
import struct
import urllib.error
import urllib.request

from heliosphere.cli.house.component import House, Probe
from heliosphere.cli.house.ports import LOOPBACK

_SECONDS = 2.0


def connects(port: str) -> Probe:
    """Somebody accepts connections there."""

    def probe(house: House) -> bool:
        try:
            with socket.create_connection((LOOPBACK, house.port(port)), timeout=_SECONDS):
                return True
        except OSError:
            return False

    return probe


def greets(port: str, greeting: bytes) -> Probe:
    """The first bytes a server says: "220" for SMTP, "+OK" for POP3, "* OK" for IMAP."""

    def probe(house: House) -> bool:
        try:
            with socket.create_connection((LOOPBACK, house.port(port)), timeout=_SECONDS) as connection:
                return connection.recv(64).startswith(greeting)
        except OSError:
            return False

    return probe


def answers_http(port: str, path: str = "/", *, below: int = 500) -> Probe:
    """Any HTTP answer with a status under `below`."""

    def probe(house: House) -> bool:
        return http_status(f"http://{house.address(port)}{path}") in range(100, below)

    return probe


def http_status(url: str) -> int:
    """The status of a plain GET, redirects not followed; 0 when nobody answers."""
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except OSError:
        return 0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def answers_dns(port: str) -> Probe:
    """A DNS query for the root's SOA gets a reply of any kind (RFC 1035, section 4.1)."""
    query = struct.pack("!6H", 0x4853, 0, 1, 0, 0, 0) + b"\0" + struct.pack("!2H", 6, 1)

    def probe(house: House) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(_SECONDS)
            try:
                client.sendto(query, (LOOPBACK, house.port(port)))
                return client.recv(512)[:2] == query[:2]
            except OSError:
                return False

    return probe


def every(*probes: Probe) -> Probe:
    return lambda house: all(probe(house) for probe in probes)
