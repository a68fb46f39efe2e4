from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from heliosphere.agent import config as agent_config
from heliosphere.agent.config import AgentConfig
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.components.nginx import NGINX, listen_file
from heliosphere.cli.house.components.pdns import PDNS
from tests.agent.houses import new_house, running


@dataclass(frozen=True)
class Node:
    """A node whose services run; `state` gives each test its own agent state."""

    house: House

    def config(self, state: Path) -> AgentConfig:
        places = self.house.places
        file = state / "agent.json"
        document = {
            "node": "local",
            "key_file": str(self.house.secret("node-key")),
            "state_dir": str(state / "agent"),
            "dns": {
                "api_url": f"http://{self.house.address('dns_api')}",
                "api_key_file": str(self.house.secret("pdns-api-key")),
            },
            "web": {
                "root": str(places.web),
                "conf_dir": str(places.web_conf),
                "main_conf": str(places.etc / "nginx" / "nginx.conf"),
                "pid_file": str(places.run / "nginx.pid"),
                "listen": self.house.address("web"),
                "listen_file": str(listen_file(self.house)),
            },
        }
        file.write_text(json.dumps(document))
        return agent_config.load(file)


def _needed(component: Component) -> None:
    missing = component.why_missing()
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def dns_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    _needed(PDNS)
    house = new_house(tmp_path_factory.mktemp("dns") / "var", PDNS)
    with running(house, PDNS):
        yield Node(house)


@pytest.fixture(scope="session")
def web_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    _needed(NGINX)
    house = new_house(tmp_path_factory.mktemp("web") / "var", NGINX)
    with running(house, NGINX):
        yield Node(house)
