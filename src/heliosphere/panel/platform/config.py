"""Where the panel runs: the one JSON file that `heliosphere up` (or an administrator) writes for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """The configuration file is missing or wrong; the text says where and what to do."""


@dataclass(frozen=True, slots=True)
class PanelConfig:
    """What differs from one installation to the next. Paths are absolute; URLs have no final slash.

    Without `smtp_host` notices are kept as files in DIR/panel/outbox.
    """

    data_dir: Path
    database: str
    secret_key: str
    field_keys: tuple[str, ...]
    node_key: bytes
    node_name: str = "local"
    broker: str | None = None
    panel_url: str = "http://127.0.0.1:18080"
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    service_zone: str = "heliosphere.test"
    public_ip: str = "127.0.0.1"
    instant_alias_zone: str = "localhost"
    ports: dict[str, int] = field(default_factory=dict)
    gateway_url: str = "http://127.0.0.1:18443"
    gateway_key: str = ""
    smtp_host: str = ""
    smtp_port: int = 25

    def port(self, service: str, standard: int) -> int:
        """The port a service listens on here; its standard one where the house says nothing."""
        return self.ports.get(service, standard)


def load(path: Path) -> PanelConfig:
    """Read panel.json. Secrets stay in files of their own, named in it. Raises ConfigError."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist. Start with ./run, which writes it.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
    try:
        node = raw["node"]
        return PanelConfig(
            data_dir=Path(raw["data_dir"]),
            database=raw["database"],
            secret_key=_secret(raw["secret_key_file"]),
            field_keys=tuple(_secret(raw["field_key_file"]).split()),
            node_key=_secret(node["key_file"]).encode(),
            node_name=node["name"],
            broker=raw.get("broker"),
            panel_url=raw["panel_url"].rstrip("/"),
            allowed_hosts=tuple(raw["allowed_hosts"]),
            service_zone=raw["service_zone"],
            public_ip=raw.get("public_ip", "127.0.0.1"),
            instant_alias_zone=raw.get("instant_alias_zone", "localhost"),
            ports=dict(raw.get("ports", {})),
            gateway_url=raw.get("gateway_url", "http://127.0.0.1:18443").rstrip("/"),
            smtp_host=raw.get("smtp", {}).get("host", ""),
            smtp_port=raw.get("smtp", {}).get("port", 25),
            gateway_key=_secret(raw["gateway_key_file"]) if raw.get("gateway_key_file") else "",
        )
    except KeyError as error:
        raise ConfigError(f"{path}: the entry {error} is missing.") from error


def _secret(name: str) -> str:
    path = Path(name)
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"the secret in {path} cannot be read: {error.strerror}") from error
