"""The agent of a cluster node over a real RabbitMQ: sealed jobs in, sealed answers out."""

from __future__ import annotations

import json
import queue
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from heliosphere.cli.house.component import House
from heliosphere.cli.house.components.cluster import EPMD, RABBITMQ
from heliosphere.cli.house.setup import broker_address
from heliosphere.contracts.dns_zones import ZoneSpec
from heliosphere.contracts.jobs import JobEvent, JobOutcome, seal, unseal
from heliosphere.contracts.mailboxes import MailDomainSpec
from heliosphere.mta.store import VpopmailTree
from tests.agent.houses import new_house, running
from tests.agent.jobs import envelope

pytestmark = [pytest.mark.integration, pytest.mark.cluster]

KEY = b"test-node-key"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    missing = RABBITMQ.why_missing()
    if missing:
        pytest.skip(missing)
    house = new_house(tmp_path_factory.mktemp("rabbit") / "var", EPMD, RABBITMQ)
    cluster = House(house.places, base_port=house.base_port, cluster=True)
    with running(cluster, EPMD), running(cluster, RABBITMQ):
        address = broker_address(cluster)
        assert address is not None
        yield address


class Panel:
    """The other end of the broker."""

    def __init__(self, address: str) -> None:
        import celery
        from kombu import Connection

        self._app = celery.Celery("test-panel", broker=address, set_as_current=False)
        self._connection = Connection(address)
        self._results = self._connection.SimpleQueue("panel.results")

    def send(self, text: str) -> None:
        self._app.send_task("heliosphere.job", args=[text], queue="node.local", ignore_result=True)

    def answer(self) -> tuple[str, Any]:
        """The next task name and the contract in it."""
        message = self._results.get(timeout=30)
        message.ack()
        body = json.loads(message.body)
        return message.headers["task"], unseal(body[0][0], KEY)

    def outcome(self) -> JobOutcome:
        while True:
            task, answer = self.answer()
            if task == "panel.job_outcome":
                assert isinstance(answer, JobOutcome)
                return answer

    def is_quiet(self) -> bool:
        try:
            self._results.get(timeout=1)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        self._results.close()
        self._connection.close()
        self._app.close()


@pytest.fixture
def panel(broker: str) -> Iterator[Panel]:
    panel = Panel(broker)
    panel._results.clear()
    yield panel
    panel.close()


@pytest.fixture
def config(broker: str, tmp_path: Path) -> Path:
    (tmp_path / "key").write_bytes(KEY)
    file = tmp_path / "agent.json"
    file.write_text(
        json.dumps(
            {
                "node": "local",
                "key_file": str(tmp_path / "key"),
                "state_dir": str(tmp_path / "agent"),
                "broker": broker,
                "mail": {"root": str(tmp_path / "mail"), "hostname": "mail.heliosphere.test"},
            }
        )
    )
    return file


@contextmanager
def agent(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    log = (config.parent / "agent.log").open("ab")
    words = [sys.executable, "-m", "heliosphere.agent.programs.celery_node", "--config", str(config)]
    with log, subprocess.Popen(words, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)


def test_a_job_travels_is_done_and_answered(panel: Panel, config: Path, tmp_path: Path) -> None:
    panel.send(seal(envelope("mail_domain.apply", MailDomainSpec("one.test", "$6$x")), KEY))

    with agent(config):
        event_task, event = panel.answer()
        outcome = panel.outcome()

    assert (event_task, type(event)) == ("panel.job_event", JobEvent)
    assert (outcome.status, outcome.job_id) == ("done", 1)
    assert VpopmailTree(tmp_path / "mail").has_domain("one.test")


def test_a_job_sealed_with_another_key_is_thrown_away(panel: Panel, config: Path, tmp_path: Path) -> None:
    panel.send(seal(envelope("mail_domain.apply", MailDomainSpec("evil.test", "x")), b"another key"))
    panel.send("rubbish")
    panel.send(seal(envelope("mail_domain.apply", MailDomainSpec("good.test", "x"), job=2), KEY))

    with agent(config):
        outcome = panel.outcome()

        assert (outcome.job_id, outcome.status) == (2, "done")
        assert panel.is_quiet()
    assert VpopmailTree(tmp_path / "mail").domains() == ["good.test"]


def test_a_job_whose_agent_was_killed_comes_again(panel: Panel, config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as name_server:
        _with_dns(config, name_server.getsockname()[1])
        zone = ZoneSpec("one.test", ("ns.test",), "h.test", ())
        panel.send(seal(envelope("dns_zone.apply", zone), KEY))
        with agent(config) as first, _accept(name_server):  # the job is in the middle of its work now
            first.send_signal(signal.SIGKILL)
            first.wait(10)
        with agent(config):
            _accept(name_server).close()
            outcome = panel.outcome()

    assert (outcome.job_id, outcome.status, outcome.code) == (1, "try_later", "dns_server_down")


def test_a_job_delivered_twice_is_done_once_and_answered_twice(
    panel: Panel, config: Path, tmp_path: Path
) -> None:
    text = seal(envelope("mail_domain.apply", MailDomainSpec("one.test", "$6$x")), KEY)
    panel.send(text)
    panel.send(text)

    with agent(config):
        answers = [panel.outcome(), panel.outcome()]

    assert answers[0] == answers[1]
    assert answers[0].changes


def _with_dns(config: Path, port: int) -> None:
    document = json.loads(config.read_text())
    document["dns"] = {"api_url": f"http://127.0.0.1:{port}", "api_key_file": document["key_file"]}
    config.write_text(json.dumps(document))


def _accept(server: socket.socket) -> socket.socket:
    server.settimeout(30)
    connection, _ = server.accept()
    return connection
