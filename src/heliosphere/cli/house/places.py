"""The data directory: where each thing of the house lies. Nothing is written outside of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """`data` is absolute."""

    data: Path

    @property
    def etc(self) -> Path:
        return self.data / "etc"

    @property
    def secrets(self) -> Path:
        return self.data / "etc" / "secrets"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def mail(self) -> Path:
        return self.data / "mail"

    @property
    def web(self) -> Path:
        return self.data / "web"

    @property
    def web_conf(self) -> Path:
        return self.data / "web" / "conf"

    @property
    def dns(self) -> Path:
        return self.data / "dns"

    @property
    def panel(self) -> Path:
        return self.data / "panel"

    @property
    def agent(self) -> Path:
        return self.data / "agent"

    @property
    def ready(self) -> Path:
        return self.data / "ready.json"

    @property
    def panel_config(self) -> Path:
        return self.etc / "panel.json"

    @property
    def agent_config(self) -> Path:
        return self.etc / "agent.json"

    def make(self) -> None:
        """Make every folder. Raises OSError naming the one that cannot be made."""
        self.data.mkdir(mode=0o755, parents=True, exist_ok=True)
        for folder in (self.etc, self.run, self.log, self.mail, self.web, self.web_conf, self.dns):
            folder.mkdir(mode=0o755, exist_ok=True)
        for folder in (self.secrets, self.panel, self.agent):
            folder.mkdir(mode=0o700, exist_ok=True)


def write(path: Path, text: str, *, mode: int = 0o644) -> bool:
    """Put `text` there whole, only when it differs; True when it was written."""
    if path.exists() and path.read_text() == text:
        return False
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return True
