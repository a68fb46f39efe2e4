"""The controls of an SMTP session as the plain values its checks take."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from heliosphere.contracts.controls import REGISTRY, common, line_checks, smtpd
from heliosphere.contracts.controls.registry import Entry, Snapshot, read_scalar
from heliosphere.mta.rules.checks.order import Tables
from heliosphere.mta.rules.clients.block_lists import ListZone, parse_zones
from heliosphere.mta.rules.origin.spf import guess_problem, rules_problem
from heliosphere.mta.rules.patterns import (
    AddressList,
    AddressOnlyList,
    GreetingList,
    PatternList,
    RelayList,
    UnknownSenderList,
)
from heliosphere.mta.rules.plugins.spp import PluginTable, is_builtin_rblspp, parse_plugins
from heliosphere.mta.rules.session import SmtpPolicy


def _relay_hosts(entries: tuple[Entry, ...]) -> RelayList:
    return RelayList(entries, are_hosts=True)


def _relay_addresses(entries: tuple[Entry, ...]) -> RelayList:
    return RelayList(entries, are_hosts=False)


_COMPILERS: dict[str, Any] = {
    "relayclients": _relay_addresses, "relaydomains": _relay_hosts, "badhelo": GreetingList,
    "badmailfrom": AddressList, "badmailpatterns": PatternList, "badmailfrom-unknown": UnknownSenderList,
    "blackholedsender": PatternList, "nomfdnscheck": AddressOnlyList, "relaymailfrom": AddressOnlyList,
    "badrcptto": AddressList, "badrcptpatterns": PatternList, "nogreylist": AddressOnlyList,
}  # fmt: skip
"""How each list is made ready for look-up."""

_OVERRIDES = {
    "DATABYTES": "databytes", "SPFBEHAVIOR": "spfbehavior", "TARPITCOUNT": "tarpitcount",
    "TARPITDELAY": "tarpitdelay", "MAXRECIPIENTS": "maxrecipients", "MFDNSCHECK": "mfdnscheck",
    "HELOCHECK": "helodnscheck", "HELODNSCHECK": "helodnscheck", "SMTPAUTH": "smtpauth",
    "SPLITHORIZON": "splithorizon", "QUITASAP": "quitasap", "MAXCONNIP": "periplimit",
}  # fmt: skip
"""Variables of tcp.smtp that win over a control. QMAILQUEUE is not among them (MAIL-AV-003)."""


class CompiledControls:
    """A snapshot made ready for sessions: lists compiled, tables without what is off. Made once for each
    snapshot, and once more for each set of variables that tcp.smtp gives to some clients."""

    def __init__(
        self, controls: Snapshot, *, has_certificate: bool, former: CompiledControls | None = None
    ) -> None:
        """What was compiled in `former` from the same value is used again."""
        self.controls = controls
        self._former = former
        self.has_certificate = has_certificate
        self.plugins = _plugins(controls)
        self.policy = _policy(controls, self.plugins, has_certificate, self._compile)
        self._former = None
        self.tables = Tables(self.policy)
        proxies = controls[smtpd.PROXYPROTOCOL]
        self._proxies = NetworkSet(proxies or ())
        self._variants: dict[tuple[tuple[str, str], ...], tuple[SmtpPolicy, Tables]] = {}

    def _compile(self, name: str, field: str, value: object) -> object:
        former = self._former
        if former is not None and isinstance(value, tuple) and former.controls.values.get(name) is value:
            return getattr(former.policy, field)
        return _compiled(name, value)

    def is_proxy(self, ip: str) -> bool:
        """Is this a load balancer of the control proxyprotocol?"""
        return ip in self._proxies

    def for_client(self, environment: Mapping[str, str]) -> tuple[SmtpPolicy, Tables]:
        """Policy and tables for a client whose line of tcp.smtp sets `environment`."""
        changes = tuple(sorted((name, environment[name]) for name in _OVERRIDES if name in environment))
        if not changes:
            return self.policy, self.tables
        found = self._variants.get(changes)
        if found is None:
            policy = with_environment(self.policy, dict(changes))
            found = self._variants[changes] = (policy, Tables(policy))
        return found


def with_environment(policy: SmtpPolicy, environment: Mapping[str, str]) -> SmtpPolicy:
    """Variables win over controls; a value that is no number changes nothing."""
    changed: dict[str, Any] = {}
    for variable, name in _OVERRIDES.items():
        control = REGISTRY.get(name)
        if variable not in environment or control is None:
            continue
        value, bad = read_scalar(control, environment[variable])
        if bad is None or environment[variable][:1].isdigit():
            changed[name] = value
    return replace(policy, **changed)


def _policy(
    controls: Snapshot,
    plugins: PluginTable,
    has_certificate: bool,
    compiled: Callable[[str, str, object], object],
) -> SmtpPolicy:
    me = controls[common.ME] or "localhost"
    values: dict[str, Any] = {}
    for field in fields(SmtpPolicy):
        control = REGISTRY.get(field.name) or REGISTRY.get(field.name.replace("_", "-"))
        if control is not None:
            values[field.name] = compiled(control.name, field.name, controls[control])
    values["rblhosts"] = _zones(controls)
    values["authmethods"] = tuple((controls[smtpd.AUTHMETHODS] or "").upper().split())
    values["spfrules"], values["spfguess"] = _spf_lines(controls)
    return SmtpPolicy(
        **values, hostname=me, greeting=controls[smtpd.SMTPGREETING] or me, has_certificate=has_certificate,
        plugins=frozenset(one.section for one in plugins.plugins if not is_builtin_rblspp(one)),
        rbl_is_late=plugins.has_rblspp,
    )  # fmt: skip


def _compiled(name: str, value: object) -> object:
    if name in _COMPILERS and isinstance(value, tuple):
        return _COMPILERS[name](value)
    return value


def _zones(controls: Snapshot) -> tuple[ListZone, ...]:
    found: list[ListZone] = []
    for entry in controls[smtpd.RBLHOSTS] or ():
        zones, _ = parse_zones([entry])
        found += [replace(zone, line=entry.line) for zone in zones]
    return tuple(found)


class NetworkSet:
    """Addresses and networks; asking takes one look-up for each prefix length that occurs."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._by_length: dict[tuple[int, int], set[int]] = {}
        for entry in entries:
            if line_checks.network(entry) is None:
                network = ipaddress.ip_network(entry, strict=False)
                length = (network.version, network.max_prefixlen - network.prefixlen)
                self._by_length.setdefault(length, set()).add(int(network.network_address) >> length[1])

    def __contains__(self, ip: str) -> bool:
        """False for what is no address."""
        if not self._by_length:
            return False
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return False
        number = int(address)
        return any(
            version == address.version and number >> host_bits in numbers
            for (version, host_bits), numbers in self._by_length.items()
        )


def _plugins(controls: Snapshot) -> PluginTable:
    """Empty unless qmailspp is on; the built-in rblspp starts no process."""
    if not controls[smtpd.QMAILSPP]:
        return PluginTable()
    lines: tuple[Entry, ...] | None = controls[smtpd.SMTPPLUGINS]
    return parse_plugins(lines or ())


def _spf_lines(controls: Snapshot) -> tuple[str, str]:
    """Broken rules of our own must not make every sender's result unknown: they are left out."""
    rules, guess = controls[smtpd.SPFRULES] or "", controls[smtpd.SPFGUESS] or ""
    return ("" if rules_problem(rules) else rules), ("" if guess_problem(guess) else guess)
