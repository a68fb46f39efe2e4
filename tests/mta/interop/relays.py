"""Postfix, Exim and OpenSMTPD as clients: they take a letter into their queue and hand it on to us."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from bench import mail_namespace
from bench.mail_peers import Missing, unpacked
from bench.mail_postfix import Postfix
from tests.mta.interop.routes import Route
from tests.mta.support import free_port

ACCOUNTS = {"Debian-exim": 64901, "opensmtpd": 64902, "opensmtpq": 64903}
"""What the packages would have made; our programs alone see them."""
NAMESPACE = Path(mail_namespace.__file__)


def by_postfix(route: Route, letter, home: Path) -> None:
    settings = [f"relayhost = [127.0.0.1]:{route.port}", "mydestination =", "myhostname = relay.far.test"]
    if route.tls:
        settings += ["smtp_tls_security_level = verify", f"smtp_tls_CAfile = {route.certificate}"]
        settings += ["smtp_tls_verify_cert_match = localhost"]
    if route.tls == "first":
        settings += ["smtp_tls_wrappermode = yes"]
    if route.user:
        table = home / "passwords"
        table.write_text(f"[127.0.0.1]:{route.port} {route.user}:{route.password}\n")
        settings += ["smtp_sasl_auth_enable = yes", f"smtp_sasl_password_maps = texthash:{table}"]
        settings += ["smtp_sasl_security_options ="]
    postfix = Postfix(home / "postfix", "\n".join(settings) + "\n")
    postfix.start()
    try:
        with_lf = letter.file(home).read_bytes()
        done = postfix.run("sendmail", "-i", "-f", letter.sender, letter.recipient, text=with_lf)
        assert done.returncode == 0, done.stderr
        _until(lambda: "status=" in postfix.log(), postfix.log)
        assert "status=sent" in postfix.log(), postfix.log()
    finally:
        postfix.stop()


EXIM = """\
exim_path = {exim}
spool_directory = {home}/spool
log_file_path = {home}/spool/log/%slog
exim_user = Debian-exim
primary_hostname = relay.far.test
local_interfaces = 127.0.0.1
host_lookup =
keep_environment =
never_users =
message_logs = false
dns_ipv4_lookup = *
begin routers
smart:
  driver = manualroute
  route_list = * "127.0.0.1::{port}" byname
  self = send
  transport = remote
begin transports
remote:
  driver = smtp
  allow_localhost
  hosts_try_dane =
  {settings}
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{user}^{password}
"""


def by_exim(route: Route, letter, home: Path) -> None:
    exim = unpacked("exim") / "usr/sbin/exim4"
    settings = []
    if route.tls:
        settings += ["hosts_require_tls = *", f"tls_verify_certificates = {route.certificate}"]
        settings += ["tls_verify_hosts = *", "tls_verify_cert_hostnames ="]
    else:
        settings += ["hosts_avoid_tls = *"]
    if route.tls == "first":
        settings += ["protocol = smtps"]
    if route.user:
        settings += ["hosts_require_auth = *"]
    text = EXIM.format(
        exim=exim, home=home, port=route.port, settings="\n  ".join(settings), user=route.user or "",
        password=(route.password or "").replace("^", "^^"),
    )  # fmt: skip
    config = home / "exim.conf"
    config.write_text(text)
    config.chmod(0o644)
    for name in ("spool/log", "spool/input", "spool/db", "spool/msglog"):
        (home / name).mkdir(parents=True)
    _own(home / "spool", "Debian-exim")
    command = [str(exim), "-C", str(config)]
    with letter.file(home).open("rb") as text_in:
        queued = _in_namespace(
            [*command, "-odq", "-oi", "-f", letter.sender, letter.recipient], home, stdin=text_in
        )
    assert queued.returncode == 0, queued.stdout
    ran = _in_namespace([*command, "-qff"], home)
    log = home / "spool/log/mainlog"
    said = ran.stdout + (log.read_text() if log.exists() else "no log")
    assert "=> " + letter.recipient in said, said
    assert "Completed" in said, said


OPENSMTPD = """\
{secrets}
listen on 127.0.0.1 port {listens} hostname relay.far.test
action "on" relay host {url} {options}
match from any for any action "on"
"""


def by_opensmtpd(route: Route, letter, home: Path) -> None:
    schemes = {"": "smtp+notls", "on demand": "smtp+tls", "first": "smtps"}
    listens = free_port()
    key = "key@" if route.user else ""
    options = ["auth <secrets>"] if route.user else []
    if route.user:
        (home / "secrets").write_text(f"key {route.user}:{route.password}\n")
    if route.tls:  # it verifies against the machine's own certificates only
        options.append("tls no-verify")
    config = home / "smtpd.conf"
    config.write_text(
        OPENSMTPD.format(
            secrets=f"table secrets file:{home}/secrets" if route.user else "",
            listens=listens, url=f"{schemes[route.tls]}://{key}127.0.0.1:{route.port}",
            options=" ".join(options),
        )
    )  # fmt: skip
    config.chmod(0o600)
    with _opensmtpd(config, listens, home) as said:
        with smtplib.SMTP("127.0.0.1", listens, timeout=20) as client:
            client.sendmail(letter.sender, [letter.recipient], letter.wire(), ["BODY=8BITMIME"])
        _until(lambda: " mta delivery " in said(), said)
        assert 'result="Ok"' in said().partition(" mta delivery ")[2].partition("\n")[0], said()


@contextmanager
def _opensmtpd(config: Path, port: int, home: Path):
    """OpenSMTPD in the foreground; gives a function that tells what it said so far."""
    root = unpacked("opensmtpd")
    for name in ("var/spool/smtpd", "var/lib/opensmtpd/empty", "var/run"):
        (home / name).mkdir(parents=True)
    (home / "var/spool/smtpd").chmod(0o711)
    places = [(home / "var/spool", "/var/spool"), (home / "var/lib", "/var/lib"), (home / "var/run", "/run")]
    resolv = home / "resolv.conf"
    resolv.write_text("lookup file\n")
    places.append((resolv, os.path.realpath("/etc/resolv.conf")))
    with (home / "said").open("wb") as said:
        process = subprocess.Popen(
            _namespace_command([str(root / "usr/sbin/smtpd"), "-d", "-v", "-f", str(config)], home, places),
            stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip

        def so_far() -> str:
            return (home / "said").read_text("utf-8", "replace")

        try:
            _until(lambda: _listens(port) or process.poll() is not None, so_far)
            assert process.poll() is None, so_far()
            yield so_far
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def _listens(port: int) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=5):
            return True
    except (OSError, smtplib.SMTPException):
        return False


def _namespace_command(command: list[str], home: Path, places=()) -> list[str]:
    if os.getuid() != 0:
        raise Missing("Exim and OpenSMTPD want root to start: run as root")
    passwd, group = home / "passwd", home / "group"
    passwd.write_text(
        Path("/etc/passwd").read_text()
        + "".join(f"{name}:x:{number}:{number}::/:/usr/sbin/nologin\n" for name, number in ACCOUNTS.items())
    )
    group.write_text(
        Path("/etc/group").read_text() + "".join(f"{name}:x:{number}:\n" for name, number in ACCOUNTS.items())
    )
    places = [(passwd, "/etc/passwd"), (group, "/etc/group"), *places]
    pairs = [f"{source}:{place}" for source, place in places]
    return [sys.executable, str(NAMESPACE), *pairs, "--", *command]


def _in_namespace(command: list[str], home: Path, stdin=subprocess.DEVNULL):
    return subprocess.run(
        _namespace_command(command, home), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=60, check=False,
    )  # fmt: skip


def _own(directory: Path, account: str) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, ACCOUNTS[account], ACCOUNTS[account])


def _until(condition, explain, seconds: float = 25.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not come about in time: {explain()}"
        time.sleep(0.05)
