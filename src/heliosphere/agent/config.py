"""The agent's configuration file: who this node is, where its state lies, and one section per driver."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """The file is missing, not JSON, or lacks a field; the text says which."""


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """`sections` holds what each driver reads ("dns", "web", "mail"); one left out means: not on this node.

    `services` are the listeners the node reports on: name, host, port, and the package that brings them.
    """

    node: str
    key_file: Path
    state_dir: Path
    broker: str | None
    sections: dict[str, dict[str, Any]]
    services: tuple[dict[str, Any], ...]

    def key(self) -> bytes:
        """The secret shared with the panel that seals jobs and answers."""
        return self.key_file.read_bytes().strip()


def load(path: Path) -> AgentConfig:
    try:
        data = json.loads(path.read_text())
        return AgentConfig(
            node=data["node"],
            key_file=Path(data["key_file"]),
            state_dir=Path(data["state_dir"]),
            broker=data.get("broker"),
            sections={name: data[name] for name in ("dns", "web", "mail") if data.get(name)},
            services=tuple(data.get("services", ())),
        )
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: {error!r}") from error
