"""The control panel: its tables, its web server, and what carries its jobs to the nodes."""

from __future__ import annotations

from collections.abc import Mapping

from heliosphere.cli.house import probes, stamps
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.components.cluster import has_reader

PDF_LIBRARIES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core")
"""What the invoice PDFs are drawn with."""


def environment(house: House) -> Mapping[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "heliosphere.panel.settings.runtime",
        "HELIOSPHERE_CONFIG": str(house.places.panel_config),
    }


def _web_argv(house: House) -> list[str]:
    python = house.heliosphere()[0]
    return [
        *(python, "-m", "gunicorn", "heliosphere.panel.wsgi:application"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
        *("--bind", house.address("panel"), "--worker-tmp-dir", str(house.places.run)),
        *("--no-control-socket", "--graceful-timeout", "5", "--timeout", "60"),
    ]


TABLES = Component(
    name="panel-tables",
    what_for="database tables and first content of the panel",
    modules=("heliosphere.panel.programs.manage",),
    needs=("prepare", "postgresql"),
    argv=lambda house: house.heliosphere(
        *("panel", "prepare", "--logins", str(stamps.logins_file(house)), "demo" if house.demo else "empty")
    ),
    environment=environment,
    once=True,
    skip=stamps.tables_are_current,
    ready=lambda house: True,
    patience=180.0,
)

WEB = Component(
    name="panel",
    what_for="control panel and API",
    packages=PDF_LIBRARIES,
    packages_for="invoices as PDF",
    modules=("heliosphere.panel.wsgi",),
    ports=("panel",),
    needs=("panel-tables",),
    argv=_web_argv,
    environment=environment,
    ready=probes.answers_http("panel", "/", below=500),
    memory="about 170 MB",
    patience=60.0,
)

WORKER = Component(
    name="worker",
    what_for="jobs of the panel, done by the agent in the same process",
    modules=("heliosphere.panel.programs.worker", "heliosphere.agent.services.take_jobs"),
    needs=("panel-tables",),
    argv=lambda house: house.heliosphere("panel", "worker"),
    environment=environment,
    ready=lambda house: True,
    form="embedded",
    memory="about 110 MB",
    grace=20.0,
)

DISPATCHER = Component(
    name="dispatcher",
    what_for="jobs of the panel, handed to the nodes over RabbitMQ",
    modules=("heliosphere.panel.programs.dispatcher",),
    needs=("panel-tables", "rabbitmq"),
    argv=lambda house: house.heliosphere("panel", "dispatch"),
    environment=environment,
    ready=has_reader(lambda house: "panel.results"),
    form="cluster",
    patience=60.0,
    memory="about 120 MB",
    grace=20.0,
)
