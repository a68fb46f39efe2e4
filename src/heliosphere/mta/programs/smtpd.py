"""smtpd: receive mail on the ports for transfer and submission. One of N workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from heliosphere.contracts.controls import common, smtpd
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.files.filter_clients import FilterClients
from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.adapters.filters.scanners import scanner_for
from heliosphere.mta.adapters.filters.spp_runner import SppRunner
from heliosphere.mta.adapters.logs.session_records import SessionRecords
from heliosphere.mta.adapters.logs.syslog_sender import SyslogSender
from heliosphere.mta.adapters.logs.traffic_log import TrafficLog
from heliosphere.mta.adapters.network.acceptor import Acceptor
from heliosphere.mta.adapters.network.clients_by_rule import ClientsByRule
from heliosphere.mta.adapters.network.dns_cache import CachedDns
from heliosphere.mta.adapters.network.own_addresses import own_addresses
from heliosphere.mta.adapters.network.shared_counters import SharedPlaces
from heliosphere.mta.adapters.network.smtp_listener import CompiledCache, SmtpService, SmtpSession
from heliosphere.mta.adapters.store.greylist_store import GreylistStore
from heliosphere.mta.adapters.store.group_commit import GroupCommit
from heliosphere.mta.programs.child import PATIENCE, Parts, Sockets, wall_clock
from heliosphere.mta.rules.clients.greylisting import GreylistDecision, GreylistSettings
from heliosphere.mta.rules.syslog_targets import parse_sysfacility
from heliosphere.mta.services.check_message import MessageChecker
from heliosphere.mta.services.find_facts import FactFinder
from heliosphere.mta.services.housekeeping import Chore, Housekeeping
from heliosphere.mta.services.ports import Clock
from heliosphere.mta.services.receive import Receiver
from heliosphere.mta.services.sign_in import SmtpSignIn

CLEAR_EVERY = 2400.0
PRUNE_EVERY = 6 * 3600.0
"""Seconds."""


async def run(
    parts: Parts,
    sockets: Sockets,
    worker: int,
    resolver: tuple[str, int] | None,
    stop: asyncio.Event,
    is_ready: Callable[[], None],
) -> None:
    controls = parts.controls.snapshot()
    limit = controls[smtpd.TCPSESSIONCOUNT]
    if controls[smtpd.RCPTHOSTS] is None:
        parts.log.event("control.no_rcpthosts")
    row = parts.sessions.row(worker)
    acceptor = Acceptor(SharedPlaces(row, limit))
    committer = GroupCommit()
    facts = fact_finder(parts, resolver)
    checker = MessageChecker(facts, wall_clock)
    receiver = Receiver(
        parts.directory, parts.mailboxes, parts.spool, committer, checker, parts.log, wall_clock
    )
    records, syslog = session_records(parts), SyslogSender()
    traffic = traffic_log(parts, syslog)
    service = SmtpService(
        receiver, SmtpSignIn(parts.directory, parts.failures, parts.log), facts,
        compiled_cache(parts), clients_by_rule(parts),
        SppRunner(parts.root / "qmail", parts.log),
        parts.certificate, row, records, parts.log, wall_clock, syslog, traffic,
        acceptor.ended,
    )  # fmt: skip
    if sockets.smtp is not None:
        acceptor.add(sockets.smtp, partial(SmtpSession, service, submission=False))
    if sockets.submission is not None:
        acceptor.add(sockets.submission, partial(SmtpSession, service, submission=True))
    if sockets.smtps is not None:
        acceptor.add(sockets.smtps, partial(SmtpSession, service, submission=True), parts.certificate.context)
    acceptor.start()
    is_ready()
    chores = Housekeeping(_chores(parts, records) if worker == 0 else (), parts.log)
    keeping = asyncio.create_task(chores.run())
    await stop.wait()
    keeping.cancel()
    await acceptor.stop(PATIENCE)
    await committer.idle()
    records.flush()
    traffic.flush()


def _chores(parts: Parts, records: SessionRecords) -> list[Chore]:
    """One worker does them for all."""
    rules = RelayFiles(parts.root, wall_clock, parts.log_rule_problem)
    greylist = GreylistStore(parts.root / "qmail" / "greylist.sqlite", parts.log)

    def clear_open_smtp() -> None:
        minutes = parts.controls.current()[common.OPENSMTPTIMEOUT]
        rules.clear_expired(int(wall_clock().timestamp()), minutes)

    def prune_greylist() -> None:
        if parts.controls.current()[smtpd.GREYLIST]:
            greylist.prune(int(wall_clock().timestamp()), GreylistSettings())

    return [
        Chore("open-smtp", CLEAR_EVERY, clear_open_smtp),
        Chore("greylist", PRUNE_EVERY, prune_greylist),
        Chore("session records", PRUNE_EVERY, records.prune),
    ]


def fact_finder(parts: Parts, resolver: tuple[str, int] | None) -> FactFinder:
    store = GreylistStore(parts.root / "qmail" / "greylist.sqlite", parts.log)
    dns = CachedDns(time.monotonic, resolver)
    return FactFinder(parts.directory, dns, Greylist(store, parts.controls, wall_clock), parts.log)


def compiled_cache(parts: Parts) -> CompiledCache:
    lists = FilterClients(parts.root / "qmail" / "control")
    return CompiledCache(
        parts.controls, parts.certificate, lambda controls: scanner_for(controls, lists, parts.log)
    )


def clients_by_rule(parts: Parts) -> ClientsByRule:
    relay_files = RelayFiles(parts.root, wall_clock, parts.log_rule_problem)
    return ClientsByRule(relay_files, parts.controls, wall_clock, own_addresses())


def traffic_log(parts: Parts, syslog: SyslogSender) -> TrafficLog:
    host = parts.controls.current()[common.ME] or "localhost"
    return TrafficLog(
        parts.root / "qmail" / "log" / "stats", host, wall_clock,
        lambda: parse_sysfacility(parts.controls.current()[smtpd.SYSFACILITY] or "")[0], syslog,
    )  # fmt: skip


def session_records(parts: Parts) -> SessionRecords:
    directory = parts.root / "qmail" / "sessions"
    return SessionRecords(directory, wall_clock, lambda: parts.controls.current()[smtpd.SESSIONDAYS])


class Greylist:
    """The greylist as the checks ask it: in a thread, with the settings of the controls."""

    def __init__(self, store: GreylistStore, controls: ControlFiles, clock: Clock) -> None:
        self._store, self._controls, self._clock = store, controls, clock

    async def judge(self, ip: str, sender: str, recipient: str) -> GreylistDecision:
        settings = GreylistSettings(delay=self._controls.snapshot()[smtpd.GREYLISTDELAY])
        now = int(self._clock().timestamp())
        return await asyncio.to_thread(self._store.judge, ip, sender, recipient, now, settings)
