"""pop3d: serve mailboxes to POP3 clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.adapters.network.acceptor import Acceptor, OwnPlaces
from heliosphere.mta.adapters.network.pop3_listener import Pop3Service, Pop3Session
from heliosphere.mta.programs.child import PATIENCE, Parts, Sockets, wall_clock

MOST_SESSIONS = 1000


async def run(parts: Parts, sockets: Sockets, stop: asyncio.Event, is_ready: Callable[[], None]) -> None:
    acceptor = Acceptor(OwnPlaces(MOST_SESSIONS))
    relay_files = RelayFiles(parts.root, wall_clock, parts.log_rule_problem)
    service = Pop3Service(
        parts.directory, parts.controls, parts.certificate, relay_files, parts.failures, parts.log,
        acceptor.ended,
    )  # fmt: skip
    if sockets.pop3 is not None:
        acceptor.add(sockets.pop3, partial(Pop3Session, service))
    if sockets.pop3s is not None:
        acceptor.add(sockets.pop3s, partial(Pop3Session, service), parts.certificate.context)
    acceptor.start()
    is_ready()
    await stop.wait()
    await acceptor.stop(PATIENCE)
