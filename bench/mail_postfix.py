"""A Postfix of our own: unpacked, in one directory, on loopback. Wants root, as Postfix does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from grp import getgrnam
from pathlib import Path
from pwd import getpwnam

from bench.mail_peers import Missing, postfix_environment, unpacked

OWNER, DROP_GROUP = "daemon", "mail"
"""Accounts every Debian has, in the place of postfix and postdrop."""

_QUEUES = {
    **dict.fromkeys(("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming"), 0o700),
    **dict.fromkeys(("private", "saved", "trace"), 0o700),
    "maildrop": 0o730, "public": 0o710, "pid": 0o755,
}  # fmt: skip

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
meta_directory = {home}/etc
shlib_directory = {root}/usr/lib/postfix
mail_owner = {owner}
setgid_group = {group}
import_environment = MAIL_CONFIG LD_LIBRARY_PATH TZ LANG=C
export_environment = MAIL_CONFIG LD_LIBRARY_PATH TZ LANG=C
maillog_file = {home}/log
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
disable_dns_lookups = yes
alias_maps =
biff = no
append_dot_mydomain = no
"""


@dataclass
class Postfix:
    """`extra` are lines of main.cf; `port` None means that it listens nowhere."""

    home: Path
    extra: str
    port: int | None = None
    limit: int = 100

    def start(self) -> None:
        """Write the configuration and run master. Raises Missing."""
        if os.getuid() != 0:
            raise Missing("Postfix wants root to start: run as root")
        self.root = unpacked("postfix")
        self.environment = {**postfix_environment(self.root), "MAIL_CONFIG": str(self.home / "etc")}
        self._configure()
        master = self.root / "usr/lib/postfix/sbin/master"
        self.errors = (self.home / "errors").open("w")
        self.process = subprocess.Popen(
            [str(master), "-c", str(self.home / "etc"), "-d"], env=self.environment,
            stdout=subprocess.DEVNULL, stderr=self.errors,
        )  # fmt: skip
        end = time.monotonic() + 15
        while "daemon started" not in self.log():
            if time.monotonic() > end or self.process.poll() is not None:
                raise Missing(f"Postfix does not start: {(self.home / 'errors').read_text()}{self.log()}")
            time.sleep(0.05)

    def run(self, name: str, *arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[str]:
        """One of Postfix's commands on this instance."""
        return subprocess.run(
            [str(self.root / "usr/sbin" / name), "-c", str(self.home / "etc"), *arguments]
            if name != "sendmail"
            else [str(self.root / "usr/sbin/sendmail"), "-C", str(self.home / "etc"), *arguments],
            env=self.environment, input=text.decode("latin-1"), encoding="latin-1", capture_output=True,
            check=False, timeout=60,
        )  # fmt: skip

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.errors.close()

    def log(self) -> str:
        path = self.home / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def waiting(self) -> int:
        """Messages in the queue."""
        queues = ("incoming", "active", "deferred", "maildrop", "hold")
        return sum(len(files) for one in queues for _, _, files in os.walk(self.home / "spool" / one))

    def _own_directories(self) -> None:
        """What `postfix check` would make, in no time."""
        owner, group = getpwnam(OWNER).pw_uid, getgrnam(DROP_GROUP).gr_gid
        os.chown(self.home / "data", owner, -1)
        for name, mode in _QUEUES.items():
            path = self.home / "spool" / name
            path.mkdir(exist_ok=True)
            os.chown(path, 0 if name == "pid" else owner, group if mode & 0o070 else -1)
            path.chmod(mode)

    def _configure(self) -> None:
        for name in ("etc", "spool", "data"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        for directory in (self.home, *self.home.parents):
            if not directory.stat().st_mode & 0o001:
                raise Missing(f"Postfix runs as {OWNER}, who cannot enter {directory}")
        self._own_directories()
        main = _MAIN.format(home=self.home, root=self.root, owner=OWNER, group=DROP_GROUP)
        (self.home / "etc/main.cf").write_text(main + self.extra)
        (self.home / "etc/dynamicmaps.cf").touch()
        master = (self.root / "usr/share/postfix/master.cf.dist").read_text()
        listener = f"127.0.0.1:{self.port} inet n - n - {self.limit} smtpd" if self.port else ""
        master = re.sub(r"^smtp\s+inet .*$", listener, master, flags=re.M)
        chrooted = r"^(\w+\s+(?:unix|inet|fifo|unix-dgram)\s+[-yn]\s+[-yn]\s+)y"
        master = re.sub(chrooted, r"\1n", master, flags=re.M)
        if not re.search(r"^postlog\s", master, re.M):
            master += "postlog   unix-dgram n  -       n       -       1       postlogd\n"
        (self.home / "etc/master.cf").write_text(master)
