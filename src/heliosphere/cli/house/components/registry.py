"""All components of the house. Adding one is one file beside this one and one line here."""

from __future__ import annotations

from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.components.cluster import AGENT, EPMD, POSTGRESQL, POSTGRESQL_INIT, RABBITMQ
from heliosphere.cli.house.components.dovecot import DOVECOT
from heliosphere.cli.house.components.filters import CLAMD, SPAMD
from heliosphere.cli.house.components.gateway import GATEWAY
from heliosphere.cli.house.components.mail import MAIL
from heliosphere.cli.house.components.nginx import NGINX
from heliosphere.cli.house.components.panel import DISPATCHER, TABLES, WEB, WORKER
from heliosphere.cli.house.components.pdns import PDNS
from heliosphere.cli.house.components.prepare import PREPARE

ALL: tuple[Component, ...] = (
    PREPARE,
    PDNS,
    NGINX,
    MAIL,
    DOVECOT,
    GATEWAY,
    POSTGRESQL_INIT,
    POSTGRESQL,
    EPMD,
    RABBITMQ,
    TABLES,
    WEB,
    WORKER,
    DISPATCHER,
    AGENT,
    CLAMD,
    SPAMD,
)


def wanted_components(house: House) -> tuple[Component, ...]:
    """Those of this form of the house, whether or not they can be started on this machine."""
    return tuple(component for component in ALL if component.wanted(house))
