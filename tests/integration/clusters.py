"""A cluster in small: dispatcher and agent as processes over a real broker and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliosphere.mta.store import VpopmailTree
from tests.integration import work
from tests.integration.children import call
from tests.integration.conftest import agent_file
from tests.integration.services import Broker

QUEUES = ("node.local", "node.local.cancel", "panel.results")
Facts = dict[str, Any]


@dataclass
class Cluster:
    folder: Path
    database: str
    broker: Broker

    def prepare(self) -> None:
        self.broker.clear(*QUEUES)
        agent_file(self.folder, broker=self.broker.address)
        (self.folder / "secret").write_text("only for tests")
        (self.folder / "field-key").write_text("wV5bDvGRBm5VLrWZt4tGu7bvOMDN8Bf0ZkD9hHqrpZU=")
        document = {
            "data_dir": str(self.folder),
            "database": self.database,
            "secret_key_file": str(self.folder / "secret"),
            "field_key_file": str(self.folder / "field-key"),
            "node": {"name": "local", "key_file": str(self.folder / "node-key")},
            "broker": self.broker.address,
            "panel_url": "http://127.0.0.1:1",
            "allowed_hosts": ["127.0.0.1"],
            "service_zone": "sun.test",
        }
        (self.folder / "panel.json").write_text(json.dumps(document))

    @contextmanager
    def program(self, module: str, *words: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """Runs until the end of the block and must then stop cleanly by SIGTERM, unless it was killed."""
        environment = os.environ | {"HELIOSPHERE_CONFIG": str(self.folder / "panel.json")} | more
        command = [sys.executable, "-m", f"tests.integration.{module}", *words]
        log = (self.folder / f"{module}.log").open("ab")
        with log, subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
        clean = (0, -signal.SIGTERM) if module == "agent_entry" else (0,)  # an agent may still wait to begin
        assert process.returncode in (*clean, -signal.SIGKILL), self.log(module)

    def dispatcher(self, **more: str) -> Any:
        return self.program("dispatcher_entry", **more)

    def agent(self, **more: str) -> Any:
        return self.program("agent_entry", "--config", str(self.folder / "agent.json"), **more)

    def log(self, module: str) -> str:
        return (self.folder / f"{module}.log").read_text(errors="replace")[-4000:]

    def put(self, name: str, **more: Any) -> int:
        pk: int = call(self.database, work.queue_one, name, *more.values())
        return pk

    def facts(self, pk: int) -> Facts:
        found: Facts = call(self.database, work.job_facts, pk)
        return found

    def wait(self, pk: int, fits: Callable[[Facts], object], seconds: float = 60) -> Facts:
        deadline = time.monotonic() + seconds
        while not fits(found := self.facts(pk)):
            words = f"{found}\n{self._logs()}"
            assert time.monotonic() < deadline, words
            time.sleep(0.1)
        return found

    def done(self, pk: int) -> Facts:
        return self.wait(pk, lambda found: found["state"] == "done")

    def published(self, pk: int) -> Facts:
        """The job is with the broker."""
        found = self.wait(pk, lambda found: found["state"] == "running")
        self.until(lambda: self.broker.waiting("node.local") > 0)
        return found

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self._logs()
            time.sleep(0.1)

    def _logs(self) -> str:
        return "\n".join(self.log(file.stem) for file in self.folder.glob("*_entry.log"))

    @property
    def tree(self) -> VpopmailTree:
        return VpopmailTree(self.folder / "mail")


def ended_by_kill(process: subprocess.Popen[bytes]) -> bool:
    return process.wait(60) == -signal.SIGKILL
