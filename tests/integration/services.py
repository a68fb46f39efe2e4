"""PostgreSQL and RabbitMQ for tests: unprivileged, on free loopback ports, gone at the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from heliosphere.cli.house.component import House
from heliosphere.cli.house.components.cluster import EPMD, POSTGRES, RABBITMQ
from heliosphere.cli.house.setup import broker_address
from tests.agent.houses import free_base, new_house, running, wait_until

NOBODY = 65534


def unprivileged(*command: object) -> list[str]:
    """PostgreSQL refuses to run as root; nobody will do. It dies with the test, however that ends."""
    words = ["setpriv", "--pdeathsig=KILL"]
    if os.geteuid() == 0:
        words += [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return [*words, *map(str, command)]


@dataclass
class Postgres:
    """One server. Databases are made from templates, which takes a moment only."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def address(self, database: str = "postgres") -> str:
        return f"postgresql://heliosphere@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                unprivileged(
                    f"{POSTGRES}/postgres", "-D", self.folder / "data", "-p", self.port,
                    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                    "-c", "fsync=off", "-c", "shared_buffers=32MB", "-c", "max_connections=60",
                ),
                stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self.answers, seconds=60)

    def answers(self) -> bool:
        import psycopg

        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            psycopg.connect(self.address(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Fast: open connections are cut."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def copy(self, template: str, name: str) -> str:
        """A fresh database with all that `template` holds; its address."""
        import psycopg

        with psycopg.connect(self.address(), autocommit=True) as connection:
            connection.execute(f'create database "{name}" template "{template}"')
        return self.address(name)


@contextmanager
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="heliosphere-pg-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    server = Postgres(folder, free_base(("postgresql",)) + 5432)
    try:
        subprocess.run(
            unprivileged(
                f"{POSTGRES}/initdb", "-D", folder / "data", "-U", "heliosphere", "--auth=trust",
                "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
            ),
            check=True, capture_output=True,
        )  # fmt: skip
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


class Broker:
    """RabbitMQ that may be stopped and started on the same data."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._context = running(house, RABBITMQ)
        address = broker_address(house)
        assert address is not None
        self.address = address

    def start(self) -> None:
        self._context = running(self._house, RABBITMQ)
        self._context.__enter__()

    def stop(self) -> None:
        self._context.__exit__(None, None, None)

    def waiting(self, queue: str) -> int:
        """Messages that lie in the queue; 0 when there is no such queue."""
        from amqp.exceptions import NotFound
        from kombu import Connection

        with Connection(self.address) as connection:
            try:
                return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
            except NotFound:
                return 0

    def clear(self, *queues: str) -> None:
        from kombu import Connection

        with Connection(self.address) as connection:
            for queue in queues:
                connection.default_channel.queue_delete(queue)


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    house = new_house(folder / "var", EPMD, RABBITMQ)
    cluster = House(house.places, base_port=house.base_port, cluster=True)
    with running(cluster, EPMD):
        server = Broker(cluster)
        server.start()
        try:
            yield server
        finally:
            server.stop()
