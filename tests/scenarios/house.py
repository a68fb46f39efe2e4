"""A whole house for a test: `heliosphere up` as a process, on a fresh directory and free ports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliosphere.cli.house import ports
from tests.agent.houses import free_base


@dataclass(frozen=True)
class RunningHouse:
    """What ready.json says, and the directory all state lies in."""

    ready: dict[str, Any]
    data: Path
    process: subprocess.Popen[str]

    @property
    def panel(self) -> str:
        return str(self.ready["panel"]).rstrip("/")

    @property
    def admin(self) -> tuple[str, str]:
        login = self.ready["demo_logins"][0]
        return login["login"], login["password"]

    def port(self, service: str) -> int:
        """The port of a service, by its name in the port table."""
        config = json.loads((self.data / "etc" / "panel.json").read_text())
        return int(config["ports"][service])


@contextmanager
def running_house(*options: str) -> Iterator[RunningHouse]:
    """Started, ready, and stopped at the end; in a place any user can reach, as services are not root.

    Without the filters: nothing hands them mail yet, and they are heavy.
    """
    place = Path(tempfile.mkdtemp(prefix="heliosphere-path-"))
    place.chmod(0o755)
    data, output = place / "var", place / "output"
    base = free_base(tuple(ports.PORTS))
    command = [
        sys.executable,
        "-m",
        "heliosphere.cli.main",
        "up",
        "--data",
        str(data),
        "--base-port",
        str(base),
    ]
    with (
        output.open("w") as file,
        subprocess.Popen([*command, "--no-filters", *options], stdout=file, stderr=file) as process,
    ):
        try:
            wait_for(lambda: process.poll() is not None or (data / "ready.json").exists(), 150, "the house")
            assert process.poll() is None, output.read_text()
            yield RunningHouse(json.loads((data / "ready.json").read_text()), data, process)  # type: ignore[arg-type]
        except BaseException:
            sys.stderr.write(_logs(data, output))
            raise
        finally:
            process.terminate()
            process.wait(60)
            if not os.environ.get("HELIOSPHERE_KEEP_HOUSES"):
                shutil.rmtree(place)


def _logs(data: Path, output: Path) -> str:
    files = [output, *sorted((data / "log").glob("*.log"))]
    return "\n".join(
        f"=== {file.name}\n{file.read_text(errors='replace')[-3000:]}" for file in files if file.exists()
    )


def wait_for(done: Callable[[], Any], seconds: float, what: str) -> Any:
    """Until `done()` is true; fails naming `what` when it takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := done():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} was not ready within {seconds} s")
