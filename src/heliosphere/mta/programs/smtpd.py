"""smtpd: receive mail on the ports for transfer and submission. One of N workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from heliosphere.mta.adapters.acceptor import Acceptor
from heliosphere.mta.adapters.group_commit import GroupCommit
from heliosphere.mta.adapters.smtp_listener import SmtpService, SmtpSession
from heliosphere.mta.controls import smtpd
from heliosphere.mta.programs.child import PATIENCE, Parts, Sockets, wall_clock
from heliosphere.mta.services.receive import Receiver


async def run(
    parts: Parts, sockets: Sockets, workers: int, stop: asyncio.Event, is_ready: Callable[[], None]
) -> None:
    # tcpsessioncount is for the whole service; each worker holds its share.
    controls = parts.controls.snapshot()
    limit = controls[smtpd.TCPSESSIONCOUNT]
    if controls[smtpd.RCPTHOSTS] is None:
        parts.log.event("control.no_rcpthosts")
    acceptor = Acceptor(lambda: max(1, -(-limit // workers)))
    committer = GroupCommit()
    receiver = Receiver(
        parts.directory, parts.directory, parts.mailboxes, parts.spool, committer, parts.log, wall_clock
    )
    service = SmtpService(receiver, parts.controls, parts.certificate, parts.log, wall_clock, acceptor.ended)
    if sockets.smtp is not None:
        acceptor.add(sockets.smtp, partial(SmtpSession, service, submission=False))
    if sockets.submission is not None:
        acceptor.add(sockets.submission, partial(SmtpSession, service, submission=True))
    if sockets.smtps is not None:
        acceptor.add(sockets.smtps, partial(SmtpSession, service, submission=True), parts.certificate.context)
    acceptor.start()
    is_ready()
    await stop.wait()
    await acceptor.stop(PATIENCE)
    await committer.idle()
