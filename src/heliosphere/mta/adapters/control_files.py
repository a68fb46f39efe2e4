"""Controls on disk: `control/<name>`, then a line in `control/options`, then the default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from heliosphere.mta.adapters.atomic_files import file_stamp
from heliosphere.mta.controls import common, send, smtpd  # noqa: F401 - declares every control
from heliosphere.mta.controls.registry import (
    REGISTRY,
    BadValue,
    Control,
    Snapshot,
    read_entries,
    read_options,
    read_scalar,
)
from heliosphere.mta.rules.errors import TryLater


class ControlFiles:
    """Gives the values in force; files are read again only when one of them changed.

    `on_bad` hears of each unusable value once per reading. A file that is there but cannot be read
    raises TryLater: a session must not run on defaults its operator did not choose.
    """

    def __init__(self, directory: Path, on_bad: Callable[[BadValue], None] = lambda bad: None) -> None:
        self._directory = directory
        self._on_bad = on_bad
        self._controls = tuple(REGISTRY)
        self._paths = tuple(str(directory / control.name) for control in self._controls)
        self._options = str(directory / "options")
        self._stamps: object = None
        self._snapshot = Snapshot({})

    def snapshot(self) -> Snapshot:
        """The same object as before while nothing changed."""
        stamps = [file_stamp(path) for path in self._paths]
        stamps.append(file_stamp(self._options))
        if stamps != self._stamps:
            self._snapshot = self._read()
            self._stamps = stamps
        return self._snapshot

    def unknown_files(self) -> list[str]:
        """Files in the directory that no control of this engine reads."""
        try:
            names = sorted(path.name for path in self._directory.iterdir() if path.is_file())
        except FileNotFoundError:
            return []
        known = {control.name for control in self._controls} | {"options", "morercpthosts.cdb"}
        return [name for name in names if name not in known and not name.startswith(("servercert", "."))]

    def _read(self) -> Snapshot:
        options = read_options(self._text("options") or "")
        values: dict[str, object] = {}
        given: set[str] = set()
        for control in self._controls:
            text = self._text(control.name)
            if text is None and control.kind != "lines" and control.name in options:
                text = options[control.name]
            if text is None:
                continue
            given.add(control.name)
            values[control.name] = self._value(control, text)
        return Snapshot(values, frozenset(given))

    def _value(self, control: Control[object], text: str) -> object:
        if control.kind == "lines":
            return read_entries(text)
        value, bad = read_scalar(control, text.partition("\n")[0])
        if bad is not None:
            self._on_bad(bad)
        return value

    def _text(self, name: str) -> str | None:
        try:
            return (self._directory / name).read_text("utf-8", "surrogateescape")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TryLater(
                "control-unreadable", f"control {name} cannot be read: {error.strerror}"
            ) from error
