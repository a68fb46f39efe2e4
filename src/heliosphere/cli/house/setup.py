"""Secrets and configuration files, from the facts of the house. Writing them again changes nothing."""

from __future__ import annotations

import json
import os
import secrets
from typing import Any

from heliosphere.cli.house.component import House
from heliosphere.cli.house.components.nginx import listen_file
from heliosphere.cli.house.places import write
from heliosphere.cli.house.ports import LOOPBACK, PORTS

SECRETS = (
    "django-key",
    "field-key",
    "node-key",
    "pdns-api-key",
    "gateway-key",
    "postgresql-password",
    "amqp-password",
)


def make_secrets(house: House) -> None:
    """Each made once, in a file of its own that only the house's user may read."""
    for name in SECRETS:
        path = house.secret(name)
        if not path.exists():
            write(path, _fernet_key() if name == "field-key" else secrets.token_urlsafe(32), mode=0o600)


def _fernet_key() -> str:
    """32 random bytes in URL-safe base64, padding kept: what Fernet takes."""
    import base64

    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def database_address(house: House) -> str:
    if not house.cluster:
        return f"sqlite:///{house.places.panel / 'panel.sqlite3'}"
    password = house.secret("postgresql-password").read_text().strip()
    return f"postgresql://heliosphere:{password}@{house.address('postgresql')}/heliosphere"


def broker_address(house: House) -> str | None:
    if not house.cluster:
        return None
    password = house.secret("amqp-password").read_text().strip()
    return f"amqp://heliosphere:{password}@{house.address('amqp')}//"


def panel_document(house: House) -> dict[str, Any]:
    """What the panel reads: see panel.platform.config."""
    places = house.places
    return {
        "data_dir": str(places.data),
        "database": database_address(house),
        "secret_key_file": str(house.secret("django-key")),
        "field_key_file": str(house.secret("field-key")),
        "base_port": house.base_port,
        "panel_url": f"http://{house.address('panel')}",
        "allowed_hosts": [LOOPBACK, "localhost"],
        "service_zone": house.service_zone,
        "public_ip": LOOPBACK,
        "dns_host": LOOPBACK,
        "node": {"name": house.node, "key_file": str(house.secret("node-key"))},
        "broker": broker_address(house),
        "ports": {name: house.port(name) for name in PORTS},
        "pdns": pdns_section(house),
        "nginx": nginx_section(house),
        "mail_root": str(places.mail),
        "web_root": str(places.web),
        "gateway_url": f"http://{house.address('gateway')}",
        "gateway_key_file": str(house.secret("gateway-key")),
    }


def pdns_section(house: House) -> dict[str, str]:
    return {
        "api_url": f"http://{house.address('dns_api')}",
        "api_key_file": str(house.secret("pdns-api-key")),
    }


def nginx_section(house: House) -> dict[str, str]:
    places = house.places
    return {
        "root": str(places.web),
        "conf_dir": str(places.web_conf),
        "main_conf": str(places.etc / "nginx" / "nginx.conf"),
        "pid_file": str(places.run / "nginx.pid"),
        "listen": house.address("web"),
        "listen_file": str(listen_file(house)),
    }


def agent_document(house: House, running: set[str]) -> dict[str, Any]:
    """What the agent reads: see agent.config. A component that cannot run here gives no section."""
    document: dict[str, Any] = {
        "node": house.node,
        "key_file": str(house.secret("node-key")),
        "state_dir": str(house.places.agent),
        "broker": broker_address(house),
        "mail": {"root": str(house.places.mail), "hostname": mail_hostname(house)},
        "services": [_service(house, *row) for row in _SERVICES],
    }
    if "pdns" in running:
        document["dns"] = pdns_section(house)
    if "nginx" in running:
        document["web"] = nginx_section(house)
    return document


def mail_hostname(house: House) -> str:
    return f"mail.{house.service_zone}"


_SERVICES = (
    ("PowerDNS", "dns", "/usr/sbin/pdns_server", "pdns-server pdns-backend-sqlite3"),
    ("nginx", "web", "/usr/sbin/nginx", "nginx-core"),
    ("mail engine", "smtp", "", ""),
    ("Dovecot", "imap", "/usr/sbin/dovecot", "dovecot-imapd"),
)


def _service(house: House, name: str, port: str, program: str, package: str) -> dict[str, Any]:
    return {"name": name, "host": LOOPBACK, "port": house.port(port), "program": program, "package": package}


def write_configs(house: House, running: set[str]) -> None:
    """panel.json and agent.json; only their owner may read them, the broker's password is in there."""
    places = house.places
    for path, document in (
        (places.panel_config, panel_document(house)),
        (places.agent_config, agent_document(house, running)),
    ):
        write(path, json.dumps(document, indent=1) + "\n", mode=0o600)
