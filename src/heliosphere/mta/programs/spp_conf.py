"""spp-conf: add plugins to the SMTP server's control/smtpplugins, take them out, mend their permissions."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from heliosphere.mta.adapters.files.atomic_files import read_or_none, write_atomic
from heliosphere.mta.adapters.files.locks import locked
from heliosphere.mta.rules.errors import Refused
from heliosphere.mta.rules.plugins.spp import RBLSPP, Section
from heliosphere.mta.rules.plugins.spp_table import with_plugin, without_plugin, without_plugins

FAILED = 1
MODE = 0o755


def main(argv: list[str]) -> int:
    """Exit 0 when all was done, 1 with a line on stderr for each thing that was not."""
    parser = _parser()
    wanted = parser.parse_args(argv)
    table = PluginFiles(wanted.root)
    try:
        if wanted.action == "remove-all":
            table.remove_all(_section(wanted.category) if wanted.category else None)
            return 0
        if wanted.rows:
            return _each_row(table, wanted, sys.stdin.read())
        if wanted.plugin is None or (wanted.category is None and not wanted.check):
            parser.error("a plugin (-p) and a category (-t) are needed")
        _one(table, wanted, wanted.plugin, wanted.category)
    except (Refused, OSError) as trouble:
        return _complain(str(trouble))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spp-conf", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="directory that holds qmail/ and vpopmail/")
    action = parser.add_mutually_exclusive_group()
    for short, name, text in (
        ("-a", "add", "add the plugin (this is the default)"),
        ("-r", "remove", "take the plugin out of the category"),
        ("-R", "remove-all", "take all plugins out, of the category or of all"),
    ):
        action.add_argument(short, dest="action", action="store_const", const=name, help=text)
    parser.set_defaults(action="add")
    parser.add_argument(
        "-b", dest="rows", action="store_true", help="read rows category_name;plugin_name from standard input"
    )
    parser.add_argument("-s", dest="shell", action="store_true", help="run the plugin through the shell")
    parser.add_argument(
        "-i", dest="check", action="store_true",
        help="check and repair the plugin's permissions; put a missing sample plugin in its place",
    )  # fmt: skip
    parser.add_argument("-p", dest="plugin", metavar="PLUGIN", help="name below control/plugins")
    parser.add_argument(
        "-t", dest="category", metavar="CATEGORY", help=", ".join(section.value for section in Section)
    )
    return parser


def _each_row(table: PluginFiles, wanted: argparse.Namespace, text: str) -> int:
    """Rows that cannot be done are named; the others are done."""
    result = 0
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip():
            continue
        category, semicolon, plugin = row.strip().partition(";")
        try:
            if not semicolon:
                raise Refused("row", "a row is category_name;plugin_name")
            _one(table, wanted, plugin.strip(), category.strip())
        except (Refused, OSError) as trouble:
            result = _complain(f"row {number} ({row.strip()}): {trouble}")
    return result


def _one(table: PluginFiles, wanted: argparse.Namespace, plugin: str, category: str | None) -> None:
    section = _section(category) if category is not None else None
    path = table.path_of(plugin)
    if wanted.action == "remove" and section is not None:
        table.remove(section, path)
        return
    if wanted.check:
        table.mend(path)
    if section is not None:
        table.add(section, path, shell=wanted.shell)


def _section(category: str) -> Section:
    try:
        return Section(category)
    except ValueError:
        known = ", ".join(one.value for one in Section)
        raise Refused("category", f"{category!r} is not a category: there are {known}") from None


def _complain(text: str) -> int:
    print(f"spp-conf: {text}", file=sys.stderr)
    return FAILED


class PluginFiles:
    """control/smtpplugins and control/plugins of one tree."""

    def __init__(self, root: Path) -> None:
        self._control = Path(os.path.abspath(root)) / "qmail" / "control"
        self._table = self._control / "smtpplugins"
        self._plugins = self._control / "plugins"

    def path_of(self, plugin: str) -> Path:
        """Names are relative to control/plugins and may not lead out of it."""
        parts = plugin.split("/")
        if not plugin or plugin.startswith("/") or ".." in parts or any(char.isspace() for char in plugin):
            raise Refused("plugin", f"{plugin!r} is not a name below {self._plugins}")
        return self._plugins / plugin

    def add(self, section: Section, path: Path, *, shell: bool) -> None:
        """Raises Refused for what could not be run; the built-in rblspp needs no file."""
        if path.name != RBLSPP:
            _check_executable(path)
        self._change(lambda text: with_plugin(text, section, str(path), shell=shell))

    def remove(self, section: Section, path: Path) -> None:
        self._change(lambda text: without_plugin(text, section, str(path)))

    def remove_all(self, section: Section | None) -> None:
        self._change(lambda text: without_plugins(text, section))

    def mend(self, path: Path) -> None:
        """Mode 0755, owner root where we may set it; a sample that is missing is copied."""
        if path.name == RBLSPP:
            return
        if not path.exists():
            _install_sample(path)
        if not stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
            raise Refused("plugin", f"{path} is not a file")
        os.chmod(path, MODE)
        if os.geteuid() == 0:
            os.chown(path, 0, 0)

    def _change(self, change: Callable[[str], str]) -> None:
        with locked(self._control / ".smtpplugins.lock"):
            text = (read_or_none(self._table) or b"").decode("utf-8", "surrogateescape")
            changed = change(text)
            if changed != text:
                mode = None if self._table.exists() else 0o644
                write_atomic(self._table, changed.encode("utf-8", "surrogateescape"), mode)


def _check_executable(path: Path) -> None:
    if not path.is_file():
        raise Refused("plugin", f"{path} is missing (-i puts a sample plugin there)")
    if not os.access(path, os.X_OK):
        raise Refused("plugin", f"{path} is not executable (-i mends that)")


def _install_sample(path: Path) -> None:
    sample = files("heliosphere.mta").joinpath("plugins", path.name)
    if not sample.is_file():
        raise Refused("plugin", f"{path} is missing, and no sample plugin has this name")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, sample.read_bytes(), MODE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
