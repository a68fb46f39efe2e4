"""Our engine as a benchmark runs it: a tree with numbered mailboxes, processor time, memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from heliosphere.mta.store import VpopmailTree, hash_password

CHECKOUT = Path(__file__).resolve().parents[1]
DOMAIN, HOST = "bench.test", "mx.bench.test"
TICKS = os.sysconf("SC_CLK_TCK")
NO_CHECKS = {
    "smtpauth": "0", "authresults": "0", "spfbehavior": "0", "userchk": "0", "uquotacheck": "0",
    "databytes": "0", "sessiondays": "0",
}  # fmt: skip
"""Everything that a new tree switches on, off."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Engine:
    """`controls` go over those of a new tree. Mailboxes are 1u@bench.test to <boxes>u@bench.test."""

    home: Path
    controls: Mapping[str, str] = field(default_factory=dict)
    boxes: int = 100
    workers: int = os.cpu_count() or 1
    resolver: int | None = None
    is_stranger: bool = True
    port: int = field(default_factory=free_port)
    certificate: bytes | None = None
    prepare: Callable[[Path], object] = lambda home: None
    """Does something to the tree before the engine starts."""

    def start(self) -> None:
        self.tree = VpopmailTree(self.home)
        self.tree.ensure_layout(HOST)
        secret = hash_password("correct horse")
        self.tree.add_domain(DOMAIN, secret)
        for number in range(1, self.boxes + 1):
            self.tree.add_user(f"{number}u@{DOMAIN}", secret)
        for name, text in self.controls.items():
            path = self.home / name if "/" in name else self.tree.qmail.control / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text if text.endswith("\n") else f"{text}\n")
        if self.certificate is not None:
            (self.tree.qmail.control / "servercert.pem").write_bytes(self.certificate)
        self.prepare(self.home)
        # SMTP and nothing else: no queue is read, no POP3.
        command = [
            sys.executable,
            *([str(CHECKOUT / "bench/mail_stranger.py")] if self.is_stranger
              else ["-m", "heliosphere.mta.programs.serve"]),
            "--root", str(self.home), "--smtp", f"127.0.0.1:{self.port}", "--workers", str(self.workers),
            "--no-send",
        ]  # fmt: skip
        if self.resolver is not None:
            command += ["--resolver", f"127.0.0.1:{self.resolver}"]
        self.log = (self.home / "log").open("wb")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"ready\n":
            raise SystemExit(f"the engine does not start: {(self.home / 'log').read_text()}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)
        self.log.close()

    def empty(self) -> None:
        """Throw away what was delivered, and the log."""
        for path in (self.home / "vpopmail" / "domains" / DOMAIN).glob("*/Maildir/new/*"):
            path.unlink()
        for path in (self.home / "qmail" / "sessions").glob("*.jsonl"):
            os.truncate(path, 0)
        os.truncate(self.home / "log", 0)

    def delivered(self) -> int:
        return sum(1 for _ in (self.home / "vpopmail" / "domains" / DOMAIN).glob("*/Maildir/new/*"))

    def cpu(self) -> float:
        return cpu_of(self.process.pid)

    def pss(self) -> int:
        return pss_of(self.process.pid)


def processes(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in processes(int(child)))]


def cpu_of(pid: int) -> float:
    """Seconds of processor time that `pid` and all below it have had, those that ended included."""
    total = 0
    for one in processes(pid):
        try:
            words = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(word) for word in words[11:15])
    return total / TICKS


def pss_of(pid: int) -> int:
    """Bytes: what is shared counts once."""
    total = 0
    for one in processes(pid):
        try:
            rows = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(row.split()[1]) for row in rows if row.startswith("Pss:")), 0)
    return total * 1024


def wait_until(condition: object, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            raise SystemExit("it did not come about in time")
        time.sleep(0.02)
