"""Who a client is by tcp.smtp: the start of a session, real or only asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from heliosphere.contracts.controls import common
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.adapters.network.own_addresses import is_loopback
from heliosphere.mta.rules.session import Client


@dataclass(frozen=True, slots=True)
class ClientsByRule:
    """`own_addresses` are this machine's."""

    relay_files: RelayFiles
    controls: ControlFiles
    clock: Callable[[], datetime]
    own_addresses: frozenset[str]

    def wants_name(self) -> bool:
        """Do rules speak of host names, so that `client` should be told the confirmed one?"""
        return self.relay_files.has_host_rules()

    def client(self, ip: str, *, submission: bool, name: str = "") -> Client | None:
        """None: denied. Raises TryLater when rules or controls cannot be read."""
        minutes = self.controls.current()[common.OPENSMTPTIMEOUT]
        rule = self.relay_files.tcp_rule_for(ip, name, minutes=minutes)
        if not rule.is_allowed:
            return None
        return Client(
            ip, is_loopback(ip), submission, rule.environment, ip in self.own_addresses, rule.is_dynamic,
            self.clock(),
        )  # fmt: skip
