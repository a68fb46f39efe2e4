"""Real clamd and spamd, each started for a test on a port of its own and stopped by its process id."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mta.support import free_port

PATIENCE = 60.0
"""Seconds in which a daemon must listen."""

SIGNATURES = (
    "Test.EICAR:0:*:58354f2150254041505b345c505a58353428505e2937434329377d2445494341522d5354414e44415244\n"
    "Test.Other:0:*:6865" + b"liosphere-test-virus".hex() + "\n"
)


@dataclass
class Daemon:
    """`endpoint` as the clients take it."""

    endpoint: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


@contextlib.contextmanager
def running(argv: list[str], endpoint: str, log: Path) -> Iterator[Daemon]:
    with log.open("wb") as file:
        process = subprocess.Popen(argv, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
    daemon = Daemon(endpoint, process, log)
    try:
        wait_until_listening(daemon)
        yield daemon
    finally:
        daemon.stop()


def wait_until_listening(daemon: Daemon) -> None:
    give_up = time.monotonic() + PATIENCE
    while not listens(daemon.endpoint):
        if daemon.process.poll() is not None or time.monotonic() > give_up:
            raise AssertionError(f"it did not start:\n{daemon.log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def listens(endpoint: str) -> bool:
    host, _, port = endpoint.rpartition(":")
    family = socket.AF_UNIX if endpoint.startswith("/") else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(1)
        try:
            probe.connect(endpoint if family == socket.AF_UNIX else (host, int(port)))
        except OSError:
            return False
    return True


def clamd(
    home: Path, *, path: Path | None = None, more: str = ""
) -> contextlib.AbstractContextManager[Daemon]:
    """clamd that knows two test signatures; `path` makes it listen on a Unix socket."""
    (home / "database").mkdir(parents=True)
    (home / "database" / "test.ndb").write_text(SIGNATURES)
    port = free_port()
    listen = f"LocalSocket {path}" if path else f"TCPSocket {port}\nTCPAddr 127.0.0.1"
    config = home / "clamd.conf"
    config.write_text(
        f"Foreground yes\n{listen}\nDatabaseDirectory {home / 'database'}\nTemporaryDirectory {home}\n"
        f"MaxThreads 2\nUser {home.owner()}\n{more}"
    )
    endpoint = str(path) if path else f"127.0.0.1:{port}"
    return running(["/usr/sbin/clamd", "--config-file", str(config)], endpoint, home / "log")


def spamd_argv(home: Path, port: int, *more: str) -> list[str]:
    program = shutil.which("spamd", path="/usr/sbin:/usr/bin")
    assert program is not None
    return [
        program, "--listen", f"127.0.0.1:{port}", "--allowed-ips", "127.0.0.1", "--max-children", "2",
        "--min-children", "1", "--max-spare", "1", "--syslog", "stderr", "--helper-home-dir", str(home),
        *more,
    ]  # fmt: skip


def spamd(home: Path, *more: str) -> contextlib.AbstractContextManager[Daemon]:
    """spamd with local tests only and Debian's rules, unless `more` says otherwise."""
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    argv = spamd_argv(home, port, "--local", "--nouser-config", *more)
    return running(argv, f"127.0.0.1:{port}", home / "log")
