"""What must lie in the data directory before our own programs start, made in a process that then ends."""

from __future__ import annotations

from heliosphere.cli.house.component import Component

PREPARE = Component(
    name="prepare",
    what_for="certificate, mail tree, Dovecot's configuration",
    argv=lambda house: [
        *(house.heliosphere()[0], "-m", "heliosphere.cli.house.prepare"),
        *(str(house.places.data), str(house.base_port)),
        *(() if house.with_filters else ("--no-filters",)),
    ],
    once=True,
    ready=lambda house: True,
)
