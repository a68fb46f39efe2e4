"""send: the only reader of the queue; delivers to mailboxes here and to hosts elsewhere."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from heliosphere.contracts.controls import common, send
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.network.dns_resolver import DnsResolver
from heliosphere.mta.adapters.network.smtp_caller import RemotePostman, RemoteSettings
from heliosphere.mta.adapters.store.group_commit import commit_now
from heliosphere.mta.programs.child import Parts, wall_clock
from heliosphere.mta.queue.states import Channel
from heliosphere.mta.rules.delivery.bounces import BounceNames
from heliosphere.mta.services.deliver_local import LocalDelivery
from heliosphere.mta.services.schedule import QueueRunner, SendSettings

CLEAN_EVERY = 3600.0


async def run(
    parts: Parts, resolver: tuple[str, int] | None, stop: asyncio.Event, is_ready: Callable[[], None]
) -> None:
    spool = parts.spool
    local = LocalDelivery(parts.directory, parts.mailboxes, spool, commit_now)
    postman = RemotePostman(DnsResolver(resolver), lambda: remote_settings(parts.controls))
    runner = QueueRunner(
        spool, parts.directory, local, postman, parts.log, wall_clock,
        lambda: send_settings(parts.controls),
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    # Opened for writing too, so that the end of the last writer is not taken for the end of the file.
    trigger = os.open(spool.trigger, os.O_RDWR | os.O_NONBLOCK)

    def triggered() -> None:
        try:
            os.read(trigger, 4096)
        except BlockingIOError:
            return
        runner.wake()

    loop.add_reader(trigger, triggered)
    cleaner = loop.create_task(_clean_now_and_then(parts))
    running = loop.create_task(runner.run())
    is_ready()
    stopped = loop.create_task(stop.wait())
    await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
    runner.stop()
    cleaner.cancel()
    stopped.cancel()
    await running
    loop.remove_reader(trigger)
    os.close(trigger)


def send_settings(controls: ControlFiles) -> SendSettings:
    now = controls.snapshot()
    me = now[common.ME] or "localhost"
    host = now[send.BOUNCEHOST] or me
    double_to = now[send.DOUBLEBOUNCETO] or ""
    return SendSettings(
        {Channel.LOCAL: now[send.CONCURRENCYLOCAL], Channel.REMOTE: now[send.CONCURRENCYREMOTE]},
        now[send.QUEUELIFETIME],
        BounceNames(
            f"{now[send.BOUNCEFROM] or 'MAILER-DAEMON'}@{host}",
            host,
            f"{double_to}@{now[send.DOUBLEBOUNCEHOST] or me}",
        ),
    )


def remote_settings(controls: ControlFiles) -> RemoteSettings:
    now = controls.snapshot()
    me, routes = now[common.ME] or "localhost", now[send.SMTPROUTES]
    return RemoteSettings(
        me, now[send.HELOHOST] or me, routes or (),
        now[send.TIMEOUTCONNECT], now[send.TIMEOUTREMOTE],
    )  # fmt: skip


async def _clean_now_and_then(parts: Parts) -> None:
    while True:
        removed = await asyncio.to_thread(parts.spool.clean, wall_clock().timestamp())
        if removed:
            parts.log.event("queue.cleaned", files=removed)
        await asyncio.sleep(CLEAN_EVERY)
