"""nginx as this node runs it: check the configuration, make it read it again, see what it serves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from heliosphere.agent.host import commands, units

VERSION_PATH = "/.well-known/heliosphere-version"
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Nginx:
    """`main_conf` includes the folder of site files; `listen` is the HOST:PORT the sites answer on."""

    main_conf: Path
    pid_file: Path
    listen: str

    def is_running(self) -> bool:
        return units.running_pid(self.pid_file, "nginx") is not None

    def complaint(self) -> str | None:
        """What nginx's own checker says against the files as they lie there, or None."""
        result = commands.run("nginx", ["-t", "-q", "-c", str(self.main_conf)], time_limit=20)
        return None if result.code == 0 else result.output

    def reload(self) -> bool:
        return units.reload(self.pid_file, "nginx")

    def serves(self, host_name: str, version: str | None, *, patience: float) -> bool:
        """Wait until `host_name` answers with `version` (None: until no site of ours answers)."""
        deadline = time.monotonic() + patience
        while self._version(host_name) != version:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
        return True

    def _version(self, host_name: str) -> str | None:
        try:
            answer = httpx.get(
                f"http://{self.listen}{VERSION_PATH}", headers={"Host": host_name}, timeout=2, trust_env=False
            )
        except httpx.HTTPError:
            return "no answer"
        return answer.text.strip() if answer.status_code == 200 else None
