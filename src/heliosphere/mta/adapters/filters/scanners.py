"""The scanner of a session, put together from its controls."""

from __future__ import annotations

from heliosphere.contracts.controls import content
from heliosphere.contracts.controls.registry import Snapshot
from heliosphere.mta.adapters.filters.clamd import Clamd
from heliosphere.mta.adapters.filters.spamd import Spamd
from heliosphere.mta.services.ports import EventLog
from heliosphere.mta.services.scan import ScanClients, Scanner


def scanner_for(controls: Snapshot, clients: ScanClients, log: EventLog) -> Scanner:
    """An empty clamdsocket or spamdsocket means that the service is not installed. Costs nothing to make."""
    clamd, spamd = controls[content.CLAMDSOCKET], controls[content.SPAMDSOCKET]
    return Scanner(Clamd(clamd) if clamd else None, Spamd(spamd) if spamd else None, clients, log)
