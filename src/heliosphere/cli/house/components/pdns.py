"""PowerDNS: answers for the zones of customers, changed through its API."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from heliosphere.cli.house import probes
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.places import write
from heliosphere.cli.house.ports import LOOPBACK

SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
"""The tables as the Debian package brings them."""

CONFIG = """\
# Written by heliosphere up; changes are overwritten.
launch=gsqlite3
gsqlite3-database={database}
gsqlite3-dnssec=yes
gsqlite3-pragma-synchronous=1
local-address={address}
local-port={port}
socket-dir={run}
daemon=no
guardian=no
setuid=
setgid=
api=yes
api-key={key}
webserver=yes
webserver-address={address}
webserver-port={api_port}
webserver-allow-from={address}/32
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
default-soa-content=ns1.@ hostmaster.@ 0 10800 3600 604800 3600
max-tcp-connections=64
receiver-threads=1
distributor-threads=1
"""
"""The caches are off so that a change answers at once; an installation with load raises them."""


def configure(house: House) -> None:
    places = house.places
    database = places.dns / "pdns.sqlite3"
    if not database.exists():
        _make_database(database)
    text = CONFIG.format(
        database=database,
        address=LOOPBACK,
        port=house.port("dns"),
        run=places.run,
        key=house.secret("pdns-api-key").read_text().strip(),
        api_port=house.port("dns_api"),
    )
    (places.etc / "pdns").mkdir(exist_ok=True)
    write(places.etc / "pdns" / "pdns.conf", text, mode=0o600)


def _make_database(database: Path) -> None:
    """Made aside and renamed: a killed first start leaves no database without tables."""
    aside = database.with_suffix(".new")
    aside.unlink(missing_ok=True)
    connection = sqlite3.connect(aside)
    try:
        connection.executescript("pragma journal_mode = wal;" + SCHEMA.read_text())
    finally:
        connection.close()
    aside.rename(database)


PDNS = Component(
    name="pdns",
    what_for="name server for customers' zones",
    packages=("pdns-server", "pdns-backend-sqlite3"),
    programs=("pdns_server", str(SCHEMA)),
    ports=("dns", "dns_api"),
    configure=configure,
    argv=lambda house: [
        "/usr/sbin/pdns_server",
        f"--config-dir={house.places.etc / 'pdns'}",
        "--disable-syslog",
        "--log-timestamp=yes",
    ],
    ready=probes.every(probes.answers_dns("dns"), probes.connects("dns_api")),
    memory="about 66 MB",
)
