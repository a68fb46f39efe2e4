"""Mail programs of others, for benchmarks and tests: unpacked into a cache, never installed.

As Debian packages Postfix, Exim and OpenSMTPD exclude each other, and one that a machine has may be in use.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PACKAGES = {
    "postfix": ("postfix",),
    "exim": ("exim4-base", "exim4-daemon-light"),
    "opensmtpd": ("opensmtpd",),
}
"""Debian packages of each program; the libraries they need are in heliosphere.cli.house.packages."""


class Missing(Exception):
    """Something that was to be there is not; the text says what to do."""


def cache() -> Path:
    """HELIOSPHERE_PEERS, or a directory of this user outside of any checkout."""
    named = os.environ.get("HELIOSPHERE_PEERS")
    return Path(named) if named else Path(f"/var/tmp/heliosphere-peers-{os.getuid()}")


def unpacked(peer: str) -> Path:
    """The root of an unpacked program: `unpacked("exim") / "usr/sbin/exim4"`. Made when first asked for.

    Raises Missing when the packages cannot be had. Several processes may ask at once.
    """
    target = cache() / peer
    if target.is_dir():
        return target
    cache().mkdir(parents=True, exist_ok=True, mode=0o755)
    with (cache() / f"{peer}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _fetch(peer, target)
    return target


def _fetch(peer: str, target: Path) -> None:
    names = PACKAGES[peer]
    with tempfile.TemporaryDirectory(dir=cache()) as text:
        aside = Path(text)
        os.chmod(aside, 0o755)
        done = _run(["apt-get", "download", "-q", *names], aside)
        if done.returncode:  # the lists of packages may never have been read
            _run(["apt-get", "update", "-q"], aside)
            done = _run(["apt-get", "download", "-q", *names], aside)
        files = sorted(aside.glob("*.deb"))
        if done.returncode or len(files) != len(names):
            raise Missing(
                f"{peer} cannot be had: `apt-get download {' '.join(names)}` says {done.stderr.strip()!r}. "
                f"Unpack the packages into {target} by hand (dpkg -x) where there is no network."
            )
        for file in files:
            done = _run(["dpkg", "-x", str(file), str(aside / "root")], aside)
            if done.returncode:
                raise Missing(f"{file.name} cannot be unpacked: {done.stderr.strip()}")
        os.chmod(aside / "root", 0o755)
        (aside / "root").rename(target)


def _run(command: list[str], where: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=where, capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Missing(f"{command[0]} is needed to unpack Debian packages: {error}") from error


def program(name: str, package: str) -> str:
    """Path of an installed program. Raises Missing with what to install."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin")
    if found is None:
        raise Missing(f"{name} is not here: install the Debian package {package} (./test does it as root)")
    return found


def smtp_source() -> tuple[list[str], dict[str, str]]:
    """Postfix's load generator: the start of a command, and the environment it needs."""
    root = unpacked("postfix")
    return [str(root / "usr/sbin/smtp-source")], postfix_environment(root)


def postfix_environment(root: Path) -> dict[str, str]:
    """Postfix looks for its libraries where the package would have put them."""
    return {**os.environ, "LD_LIBRARY_PATH": str(root / "usr/lib/postfix")}
