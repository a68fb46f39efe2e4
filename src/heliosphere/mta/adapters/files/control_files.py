"""Controls on disk: `control/<name>`, then a line in `control/options`, then the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.controls.registry import BadValue, Snapshot, read_options, read_value
from heliosphere.mta.adapters.files.atomic_files import file_stamp
from heliosphere.mta.rules.errors import TryLater

_OTHERS = frozenset(
    {"options", "morercpthosts.cdb", "clamavclients", "clamavclients.cdb", "spamdclients", "spamdclients.cdb",
     "plugins", "tls", "srs"}
)  # fmt: skip
"""What lies in the directory and is no control."""


class ControlFiles:
    """Gives the values in force; files are read again only when one of them changed.

    `on_bad` hears of each unusable value once per reading. A file that is there but cannot be read
    raises TryLater: a session must not run on defaults its operator did not choose.
    """

    def __init__(self, directory: Path, on_bad: Callable[[BadValue], None] = lambda bad: None) -> None:
        self._directory = directory
        self._on_bad = on_bad
        self._controls = tuple(REGISTRY)
        self._stamps: list[object] = []
        self._present: tuple[str, ...] = ()
        self._snapshot = Snapshot({})
        self._texts: dict[str, str] = {}

    def snapshot(self) -> Snapshot:
        """The same object as before while nothing changed.

        Costs a stat of the directory and of each file that is there: a file that comes or goes changes
        the directory, one that is edited changes itself.
        """
        stamps = [file_stamp(path) for path in self._present]
        stamps.append(file_stamp(self._directory))
        if stamps != self._stamps:
            self._reload()
        return self._snapshot

    def current(self) -> Snapshot:
        """What was read last, without a look at the disk; read now if nothing was."""
        return self._snapshot if self._stamps else self.snapshot()

    def texts(self) -> dict[str, tuple[str, str]]:
        """What is set: name to text and where it stands, `file` or `options`. Raises TryLater."""
        options = read_options(self._text("options") or "")
        found: dict[str, tuple[str, str]] = {}
        for control in self._controls:
            text = self._text(control.name)
            if text is not None:
                found[control.name] = (text, "file")
            elif control.kind != "lines" and control.name in options:
                value = options[control.name]
                if value or control.kind != "text":  # a number that is missing is worth a word
                    found[control.name] = (value, "options")
        return found

    def unknown_files(self) -> list[str]:
        """Files in the directory that no control of this engine reads."""
        try:
            names = sorted(path.name for path in self._directory.iterdir() if path.is_file())
        except FileNotFoundError:
            return []
        known = {control.name for control in self._controls} | _OTHERS | set(REGISTRY.obsolete)
        return [name for name in names if name not in known and not name.startswith(("servercert", "."))]

    def unknown_options(self) -> list[str]:
        """Names in `options` that no control has."""
        known = {control.name for control in self._controls} | set(REGISTRY.obsolete)
        return [name for name in read_options(self._text("options") or "") if name not in known]

    def obsolete(self) -> list[str]:
        """Controls that are set and do nothing any more."""
        options = read_options(self._text("options") or "")
        return [name for name in REGISTRY.obsolete if name in options or self._text(name) is not None]

    def _reload(self) -> None:
        names = [control.name for control in self._controls] + ["options"]
        # Stamps first: a change during the reading is then seen the next time.
        everything = {str(self._directory / name): file_stamp(self._directory / name) for name in names}
        present = {path: stamp for path, stamp in everything.items() if stamp is not None}
        directory = file_stamp(self._directory)
        texts = {name: text for name, (text, _) in self.texts().items()}
        self._snapshot = snapshot_of(texts, (self._texts, self._snapshot))
        self._texts = texts
        self._present = tuple(present)
        self._stamps = [*present.values(), directory]
        for one in self._snapshot.bad:
            self._on_bad(one)

    def _text(self, name: str) -> str | None:
        try:
            return (self._directory / name).read_text("utf-8", "surrogateescape")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TryLater(
                "control-unreadable", f"control {name} cannot be read: {error.strerror}"
            ) from error


def snapshot_of(
    texts: Mapping[str, str], former: tuple[Mapping[str, str], Snapshot] | None = None
) -> Snapshot:
    """The values that controls with these texts have.

    Where a text is as in `former`, the value is the same object: what was made of it can be used again.
    """
    old_texts, old = former or ({}, Snapshot({}))
    values: dict[str, object] = {}
    bad: list[BadValue] = []
    for control in REGISTRY:
        name = control.name
        if name not in texts:
            continue
        if old_texts.get(name) == texts[name] and name in old.values:
            values[name] = old.values[name]
            bad.extend(one for one in old.bad if one.control == name)
        else:
            values[name], problems = read_value(control, texts[name])
            bad.extend(problems)
    # A computed default also counts where the value could not be read at all.
    unreadable = {one.control for one in bad if one.line == 1 and not one.found[:1].isdigit()}
    for control in REGISTRY:
        if control.default_of is not None and control.name in unreadable:
            values[control.name] = control.default_of(values)
    return Snapshot(values, frozenset(texts) & values.keys(), tuple(bad))
