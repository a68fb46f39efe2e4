"""heliosphere up as a user starts it: a process of its own on a fresh data directory."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest

from heliosphere.cli.house import ports
from heliosphere.cli.house.probes import http_status
from tests.agent.houses import free_base
from tests.cli.fakes import listening, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture
def data() -> Iterator[Path]:
    """Where any user can reach it: as root the house runs as a user of its own."""
    place = Path(tempfile.mkdtemp(prefix="heliosphere-up-"))
    place.chmod(0o755)
    yield place / "var"
    shutil.rmtree(place)


@pytest.fixture
def base() -> int:
    return free_base(tuple(ports.PORTS))


def command(data: Path, base: int, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "heliosphere.cli.main", "up"),
        *("--data", str(data), "--base-port", str(base), *more),
    ]


def refused(data: Path, base: int, *more: str) -> str:
    """What a start that must fail says."""
    done = subprocess.run(command(data, base, *more), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stdout
    return done.stderr


@contextmanager
def house(data: Path, base: int, *more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    output = data.parent / "output"
    with (
        output.open("w") as file,
        subprocess.Popen(command(data, base, *more), stdout=file, stderr=file) as process,
    ):
        try:
            wait_until(lambda: process.poll() is not None or (data / "ready.json").exists(), seconds=120)
            assert process.poll() is None, output.read_text()
            yield process, json.loads((data / "ready.json").read_text())  # type: ignore[misc]
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.guide("VPOP-013", "SETUP-004")
def test_the_whole_house_comes_up_answers_stops_and_comes_up_again(data: Path, base: int) -> None:
    with house(data, base) as (process, ready):
        assert ready["panel"] == f"http://127.0.0.1:{base + 8080}/"
        assert http_status(ready["panel"]) in range(200, 500)
        assert ready["demo_logins"]
        assert {"smtp", "submission", "pop3", "imap", "dns", "web"} <= set(ready["addresses"])
        wait_until(lambda: has_zone(base, "heliosphere.test"))
        assert listeners_off_loopback(base) == []
        for name, address in ready["addresses"].items():
            assert address == f"127.0.0.1:{ports.number(base, name)}"
            assert not ports.is_free(ports.number(base, name)), name
        assert oct((data / "ready.json").stat().st_mode)[-3:] == "600"
        assert str(process.pid) in refused(data, base)
        children = [int(pid) for pid in json.loads((data / "run/children.json").read_text())]
        doctor = subprocess.run(
            [sys.executable, "-m", "heliosphere.cli.main", "doctor", "--data", str(data), "--json"],
            capture_output=True,
            text=True,
        )
        findings = json.loads(doctor.stdout)
        assert [f for f in findings if f["area"] != "machine" and f["state"] == "fail"] == []

    assert process.returncode == 0
    assert not (data / "ready.json").exists()
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert ports.taken(base, ready["addresses"]) == []

    key = (data / "etc/secrets/django-key").read_text()
    with house(data, base) as (_, again):
        assert again["demo_logins"] == ready["demo_logins"]
    assert (data / "etc/secrets/django-key").read_text() == key


EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = b"Subject: t\r\n\r\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"


def ask(port: int, request: bytes) -> bytes:
    """What a service answers to `request`, until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(request)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(4096), b""))


def test_the_filters_run_beside_it_and_know_their_test_mails(data: Path, base: int) -> None:
    with house(data, base):
        stream = b"zINSTREAM\0" + len(EICAR).to_bytes(4, "big") + EICAR + bytes(4)
        assert b"Heliosphere.Test.EICAR" in ask(ports.number(base, "clamd"), stream)
        check = b"CHECK SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(GTUBE)
        assert b"Spam: True" in ask(ports.number(base, "spamd"), check + GTUBE)


def has_zone(base: int, name: str) -> bool:
    """The name server of the house answers for the zone."""
    answer = dns.query.udp(
        dns.message.make_query(name, "SOA"), "127.0.0.1", port=ports.number(base, "dns"), timeout=5
    )
    return len(answer.answer) == 1


@pytest.mark.cluster
def test_the_cluster_form_comes_up_with_its_own_database_broker_and_agent(data: Path, base: int) -> None:
    with house(data, base, "--cluster") as (process, ready):
        assert ready["form"] == "cluster"
        assert {"postgresql", "amqp"} <= set(ready["addresses"])
        assert http_status(ready["panel"]) in range(200, 500)
        assert ready["demo_logins"]
        assert not (data / "panel" / "panel.sqlite3").exists()
        assert listeners_off_loopback(base) == []

    assert process.returncode == 0
    assert ports.taken(base, ("postgresql", "amqp", "epmd", "rabbit_distribution")) == []


def listeners_off_loopback(base: int) -> list[str]:
    """TCP listeners of the house on any other address than 127.0.0.1 (proc_net_tcp(5), state 0A)."""
    wanted = {f"{ports.number(base, name):04X}" for name in ports.PORTS}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and row[1][9:] in wanted and row[1][:8] != "0100007F"]


def test_a_house_whose_supervisor_was_killed_starts_again(data: Path, base: int) -> None:
    with house(data, base) as (process, _):
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        (data / "ready.json").unlink()

    with house(data, base) as (_, ready):
        assert http_status(ready["panel"]) in range(200, 500)


@pytest.mark.parametrize(("name", "words"), [("smtp", "mail in, wanted by mail"), ("dns", "wanted by pdns")])
def test_a_taken_port_is_named_and_nothing_starts(data: Path, base: int, name: str, words: str) -> None:
    with listening(ports.number(base, name)):
        said = refused(data, base)

    assert f"port {ports.number(base, name)}" in said
    assert words in said
    assert "--base-port" in said
    assert not (data / "run/children.json").exists()


def test_a_base_port_out_of_range_is_refused(data: Path) -> None:
    assert "between 1000 and" in refused(data, 60000)


def test_a_data_directory_that_cannot_be_made_is_named(data: Path, base: int) -> None:
    data.write_text("a file stands here")

    said = refused(data, base)

    assert str(data) in said


@pytest.mark.skipif(os.geteuid() != 0, reason="no root")
def test_a_directory_with_other_things_in_it_is_not_taken_over(data: Path, base: int) -> None:
    data.mkdir()
    (data / "thesis.txt").write_text("work of years")

    said = refused(data, base)

    assert "not empty" in said
    assert (data / "thesis.txt").stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="no root")
def test_a_directory_the_plain_user_cannot_reach_is_refused_with_a_way_out(data: Path, base: int) -> None:
    data.parent.chmod(0o700)

    said = refused(data, base)

    assert f"cannot reach {data}" in said
    assert "/opt" in said
