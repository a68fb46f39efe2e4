"""Every listener of the house, declared once: its number is the base port plus its well-known port."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
DEFAULT_BASE = 10000


@dataclass(frozen=True, slots=True)
class Port:
    """`udp` True: the same number is used with UDP too."""

    name: str
    offset: int
    what: str
    udp: bool = False


PORTS = {
    port.name: port
    for port in (
        Port("panel", 8080, "control panel and API"),
        Port("web", 80, "web sites"),
        Port("smtp", 25, "mail in"),
        Port("submission", 587, "mail submission"),
        Port("smtps", 465, "mail submission over TLS"),
        Port("pop3", 110, "POP3"),
        Port("pop3s", 995, "POP3 over TLS"),
        Port("imap", 143, "IMAP"),
        Port("imaps", 993, "IMAP over TLS"),
        Port("sieve", 4190, "ManageSieve"),
        Port("dns", 53, "DNS", udp=True),
        Port("dns_api", 8081, "PowerDNS API"),
        Port("spamd", 783, "SpamAssassin"),
        Port("clamd", 3310, "ClamAV"),
        Port("gateway", 8443, "test payment gateway"),
        Port("postgresql", 5432, "PostgreSQL"),
        Port("amqp", 5672, "RabbitMQ"),
        Port("rabbit_distribution", 25672, "RabbitMQ between nodes"),
        Port("epmd", 4369, "Erlang's port mapper"),
    )
}
HIGHEST_BASE = 65535 - max(port.offset for port in PORTS.values())


def why_not_base(base: int) -> str | None:
    """A base below 1000 would put DNS and others on ports only root may open."""
    if not 1000 <= base <= HIGHEST_BASE:
        return f"the base port must lie between 1000 and {HIGHEST_BASE}"
    return None


def number(base: int, name: str) -> int:
    return base + PORTS[name].offset


def is_free(port: int, *, udp: bool = False) -> bool:
    """Nobody listens there. SO_REUSEADDR, or a port we just left would count as taken for a minute."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM) if udp else (socket.SOCK_STREAM,)
    return all(_can_bind(port, kind) for kind in kinds)


def _can_bind(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        return True


def taken(base: int, names: Iterable[str]) -> list[str]:
    """The names of those ports that somebody else already uses."""
    return [name for name in names if not is_free(number(base, name), udp=PORTS[name].udp)]


def next_base(base: int, names: Iterable[str]) -> int | None:
    """The nearest higher base, in steps of a thousand, whose ports are all free."""
    wanted = tuple(names)
    bases = range(base + 1000, HIGHEST_BASE + 1, 1000)
    return next((other for other in bases if not taken(other, wanted)), None)
