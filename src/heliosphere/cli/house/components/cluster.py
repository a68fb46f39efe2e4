"""What the cluster form has in place of SQLite and the embedded worker: PostgreSQL, RabbitMQ, an agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from heliosphere.cli.house import probes
from heliosphere.cli.house.component import Component, House, Probe
from heliosphere.cli.house.places import write
from heliosphere.cli.house.ports import LOOPBACK

POSTGRES = "/usr/lib/postgresql/15/bin"
RABBIT = "/usr/lib/rabbitmq/bin"

RABBIT_CONFIG = """\
# Written by heliosphere up; changes are overwritten.
listeners.tcp.1 = {address}:{port}
default_user = heliosphere
default_pass = {password}
log.file = false
log.console = true
log.console.level = warning
vm_memory_high_watermark.absolute = 256MB
disk_free_limit.absolute = 50MB
"""


def configure_rabbitmq(house: House) -> None:
    folder = house.places.data / "rabbitmq"
    folder.mkdir(mode=0o700, exist_ok=True)
    password = house.secret("amqp-password").read_text().strip()
    text = RABBIT_CONFIG.format(address=LOOPBACK, port=house.port("amqp"), password=password)
    write(folder / "rabbitmq.conf", text, mode=0o600)
    write(folder / "enabled_plugins", "[].\n")


def has_reader(queue: Callable[[House], str]) -> Probe:
    """Some program takes messages from the queue: it is up, whatever its process looks like."""

    def probe(house: House) -> bool:
        from kombu.connection import Connection

        from heliosphere.cli.house.setup import broker_address

        with Connection(broker_address(house), connect_timeout=2) as connection:  # type: ignore[no-untyped-call]
            try:
                return bool(connection.channel().queue_declare(queue(house), passive=True).consumer_count)
            except (*connection.connection_errors, *connection.channel_errors):
                return False

    return probe


def rabbit_environment(house: House) -> Mapping[str, str]:
    """Everything on loopback: the listener, the port between nodes, and Erlang's port mapper."""
    folder = house.places.data / "rabbitmq"
    return {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"heliosphere{house.base_port}@localhost",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(house.places.log),
        "RABBITMQ_PID_FILE": str(house.places.run / "rabbitmq.pid"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_DIST_PORT": str(house.port("rabbit_distribution")),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false"
        ),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(house.port("epmd")),
    }


POSTGRESQL_INIT = Component(
    name="postgresql-init",
    what_for="PostgreSQL's own files",
    packages=("postgresql-15",),
    programs=(f"{POSTGRES}/initdb",),
    needs=("prepare",),
    argv=lambda house: [
        *(house.heliosphere()[0], "-m", "heliosphere.cli.house.postgres_init"),
        *(POSTGRES, str(house.places.data / "postgresql"), str(house.secret("postgresql-password"))),
    ],
    once=True,
    skip=lambda house: (house.places.data / "postgresql" / "PG_VERSION").exists(),
    ready=lambda house: True,
    form="cluster",
    patience=60.0,
)

POSTGRESQL = Component(
    name="postgresql",
    what_for="system database",
    packages=("postgresql-15",),
    programs=(f"{POSTGRES}/postgres",),
    ports=("postgresql",),
    needs=("postgresql-init",),
    argv=lambda house: [
        *(f"{POSTGRES}/postgres", "-D", str(house.places.data / "postgresql")),
        *("-p", str(house.port("postgresql")), "-c", f"listen_addresses={LOOPBACK}"),
        *("-c", f"unix_socket_directories={house.places.run}", "-c", "shared_buffers=32MB"),
        *("-c", "max_connections=60"),
    ],
    ready=probes.connects("postgresql"),
    form="cluster",
    memory="about 60 MB",
    stop_signal=2,
    grace=20.0,
)

EPMD = Component(
    name="epmd",
    what_for="port mapper of RabbitMQ's Erlang",
    packages=("rabbitmq-server",),
    programs=("epmd",),
    ports=("epmd",),
    argv=lambda house: ["/usr/bin/epmd", "-address", LOOPBACK, "-port", str(house.port("epmd"))],
    ready=probes.connects("epmd"),
    form="cluster",
)

RABBITMQ = Component(
    name="rabbitmq",
    what_for="message broker between panel and nodes",
    packages=("rabbitmq-server",),
    programs=(f"{RABBIT}/rabbitmq-server",),
    ports=("amqp", "rabbit_distribution"),
    needs=("epmd",),
    configure=configure_rabbitmq,
    argv=lambda house: [f"{RABBIT}/rabbitmq-server"],
    environment=rabbit_environment,
    ready=probes.connects("amqp"),
    form="cluster",
    memory="about 130 MB",
    grace=30.0,
    patience=90.0,
)

AGENT = Component(
    name="agent",
    what_for="node agent: takes jobs from its queue",
    modules=("heliosphere.agent.programs.celery_node", "celery"),
    needs=("rabbitmq", "prepare"),
    argv=lambda house: house.heliosphere("agent", "node", "--config", str(house.places.agent_config)),
    ready=has_reader(lambda house: f"node.{house.node}"),
    form="cluster",
    patience=60.0,
    memory="about 70 MB",
    grace=20.0,
)
