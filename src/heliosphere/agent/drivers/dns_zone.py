"""DNS zones on PowerDNS: looks and changes over its API, decides in rules."""

from __future__ import annotations

from pathlib import Path

from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.base import DriverEntry, Work
from heliosphere.agent.host.powerdns import OWNER, PowerDNS
from heliosphere.agent.rules.errors import Refused
from heliosphere.agent.rules.steps import Plan, Step
from heliosphere.agent.rules.zone_spec import as_spec
from heliosphere.agent.rules.zone_steps import FoundZone, wanted_record_sets, why_not_zone, zone_steps
from heliosphere.contracts.dns_zones import ZoneSpec


class DnsZoneDriver:
    kind = "dns_zone"
    spec_type = ZoneSpec

    def __init__(self, server: PowerDNS) -> None:
        self._server = server

    def name_of(self, spec: ZoneSpec) -> str:
        return spec.name

    def inspect(self, name: str) -> ZoneSpec | None:
        found = self._server.find(name)
        return None if found is None else as_spec(name, found)

    def plan(self, wanted: ZoneSpec) -> Plan:
        return zone_steps(self._ours(wanted.name), wanted)

    def apply(self, wanted: ZoneSpec, work: Work) -> tuple[str, ...]:
        if reason := why_not_zone(wanted):
            raise Refused(
                "zone_wrong", f"The zone cannot be made: {reason}.", "Correct the zone, then retry."
            )

        def act(step: Step) -> None:
            if step.action == "create":
                self._server.create(wanted.name, wanted_record_sets(wanted, serial=0))
            else:
                self._server.change(wanted.name, step.value)

        return work.run(self.plan(wanted), act)

    def remove(self, name: str, work: Work) -> tuple[str, ...]:
        if self._ours(name) is None:
            return ()
        return work.run((Step("remove", f"take away the zone {name}"),), lambda _: self._server.remove(name))

    def recover(self) -> None:
        """The server's own transactions leave nothing half made."""

    def _ours(self, name: str) -> FoundZone | None:
        found = self._server.find(name)
        if found is not None and found.account != OWNER:
            raise Refused(
                "zone_not_ours",
                f"The name server already has {name}, and Heliosphere did not make it.",
                f"Remove that zone, or hand it over: pdnsutil set-account {name} {OWNER}.",
            )
        return found


def _build(config: AgentConfig) -> DnsZoneDriver:
    section = config.sections["dns"]
    return DnsZoneDriver(PowerDNS(section["api_url"], Path(section["api_key_file"]).read_text().strip()))


ENTRY = DriverEntry("dns_zone", "dns", "Install pdns-server and pdns-backend-sqlite3.", _build)
