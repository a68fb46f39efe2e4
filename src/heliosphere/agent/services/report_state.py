"""What the node says of itself: drivers, services, and what mailboxes use."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from heliosphere import __version__
from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.registry import DriverSet
from heliosphere.agent.host import commands
from heliosphere.agent.host.mail_store import open_store, our_trouble
from heliosphere.contracts.health import NodeReport, ServiceHealth
from heliosphere.contracts.usage import MailboxUsage

_SECONDS = 2.0


def node_report(config: AgentConfig, drivers: DriverSet) -> NodeReport:
    """The services of the configuration, then one line for each kind of thing this node cannot hold."""
    listed = tuple(service_health(service) for service in config.services)
    absent = tuple(
        ServiceHealth(kind, "missing", "no driver is set up for it", advice)
        for kind, advice in drivers.missing.items()
    )
    return NodeReport(config.node, __version__, tuple(sorted(drivers.available)), listed + absent)


def service_health(service: dict[str, Any]) -> ServiceHealth:
    """up: it accepts a connection; down: it is installed and does not; missing: its program is not there."""
    name, where = service["name"], f"{service['host']}:{service['port']}"
    try:
        with socket.create_connection((service["host"], service["port"]), timeout=_SECONDS):
            return ServiceHealth(name, "up", f"answers on {where}")
    except OSError as error:
        detail = f"{where}: {error.strerror or error}"
    program, package = service.get("program"), service.get("package", "")
    if program and not commands.is_installed(program):
        return ServiceHealth(name, "missing", f"{program} is not installed", f"apt-get install {package}")
    return ServiceHealth(name, "down", detail, f"Look into its log, then start it again ({name}).")


def mailbox_usage(config: AgentConfig) -> Iterator[MailboxUsage]:
    """What every mailbox of this node stores; nothing on a node without mail."""
    if "mail" not in config.sections:
        return
    store = open_store(config.sections["mail"])
    with our_trouble():
        for domain in store.domains():
            for user in store.users(domain):
                size, messages = store.usage(user.address)
                yield MailboxUsage(user.address, size, messages)
