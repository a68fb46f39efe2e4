"""The test payment gateway: takes card numbers that are none."""

from __future__ import annotations

from heliosphere.cli.house import probes
from heliosphere.cli.house.component import Component

GATEWAY = Component(
    name="gateway",
    what_for="test payment gateway",
    modules=("heliosphere.simulators.gateway.server",),
    ports=("gateway",),
    needs=("prepare",),
    argv=lambda house: house.heliosphere(
        *("simulate", "gateway", "--listen", house.address("gateway")),
        *("--key-file", str(house.secret("gateway-key"))),
        *("--data", str(house.places.data / "gateway.sqlite3")),
    ),
    ready=probes.answers_http("gateway", "/alive", below=300),
    memory="about 25 MB",
)
