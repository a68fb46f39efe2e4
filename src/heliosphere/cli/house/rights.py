"""Root is used to prepare and then given up: everything of the house runs as a plain user."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import heliosphere

USER = "heliosphere"
_OURS = ("etc", "run", "ready.json")


class RightsError(Exception):
    """The house cannot run as a plain user as things lie; the text says what to change."""


def drop_root(data: Path, say: Callable[[str], None]) -> None:
    """Make `data` and its user, check that the user can reach all it needs, become that user.

    Not root: does nothing. A directory that belongs to somebody already is run as its owner.
    """
    if os.geteuid() != 0:
        return
    account = _account_for(data, say)
    _hand_over(data, account)
    for path in (Path(sys.executable), Path(heliosphere.__file__).parent, data):
        _demand_reachable(path, account)
    os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ.update(HOME=str(data), USER=account.pw_name, LOGNAME=account.pw_name)
    say(f"running as user {account.pw_name}, without root's rights")


def _account_for(data: Path, say: Callable[[str], None]) -> pwd.struct_passwd:
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        say(f"making the system user {USER}")
    subprocess.run(  # noqa: S603 (fixed argument list)
        [
            *("/usr/sbin/useradd", "--system", "--user-group", "--shell", "/usr/sbin/nologin"),
            *("--home-dir", f"/var/lib/{USER}", "--comment", "Heliosphere services", USER),
        ],
        check=True,
    )
    return pwd.getpwnam(USER)


def _hand_over(data: Path, account: pwd.struct_passwd) -> None:
    """Give `data` with all in it to the user; never a folder that holds something else."""
    data.mkdir(mode=0o755, parents=True, exist_ok=True)
    if data.stat().st_uid == account.pw_uid:
        return
    content = [path.name for path in data.iterdir()]
    if content and not any(name in content for name in _OURS):
        raise RightsError(
            f"{data} is not empty and not a data directory of Heliosphere: choose another with --data"
        )
    for folder, folders, files in os.walk(data):
        for name in (*folders, *files):
            os.lchown(Path(folder) / name, account.pw_uid, account.pw_gid)
    os.chown(data, account.pw_uid, account.pw_gid)


def _demand_reachable(path: Path, account: pwd.struct_passwd) -> None:
    if not reachable(path, account):
        raise RightsError(
            f"the user {account.pw_name} cannot reach {path}: a folder above it is closed to others. "
            "Start with ./run, which keeps a copy it can reach, or move it, for example to /opt/heliosphere."
        )


def reachable(path: Path, account: pwd.struct_passwd) -> bool:
    """Ask as that user, in a process of its own: rights of folders, groups and mounts all count."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            os._exit(0 if os.access(path, os.R_OK | os.X_OK) else 1)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
