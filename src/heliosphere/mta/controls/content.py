"""The controls of the content checks as the plain values they take."""

from __future__ import annotations

from heliosphere.contracts.controls import content
from heliosphere.contracts.controls.registry import Snapshot
from heliosphere.mta.rules.content.decision import ScanPolicy
from heliosphere.mta.rules.content.signatures import FilterLists, filter_lists


def scan_policy(controls: Snapshot) -> ScanPolicy:
    return ScanPolicy(
        chksignature=controls[content.CHKSIGNATURE],
        chkloadertype=controls[content.CHKLOADERTYPE],
        clamglobal=controls[content.CLAMGLOBAL],
        spamglobal=controls[content.SPAMGLOBAL],
        skipcachk=controls[content.SKIPCACHK],
        skipsachk=controls[content.SKIPSACHK],
        samsgsize=controls[content.SAMSGSIZE],
        clamfailopen=controls[content.CLAMFAILOPEN],
    )


def content_lists(controls: Snapshot) -> FilterLists:
    """Costs milliseconds for long lists: once a snapshot, not once a message."""
    return filter_lists(controls[content.BADSIGNATURES], controls[content.BADLOADERTYPES])
