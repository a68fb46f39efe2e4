"""A real Dovecot over the same tree: sign in, read what our engine delivered, be refused when closed."""

import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.adapters.store.group_commit import commit_now
from heliosphere.mta.adapters.store.maildir_files import MaildirMailboxes
from heliosphere.mta.adapters.store.vpopmail_tree import system_clock
from heliosphere.mta.dovecot.config import AUTH_SCRIPT, dovecot_config
from heliosphere.mta.rules.store.routing import MailboxTarget
from heliosphere.mta.store import UserFlag, VpopmailTree
from tests.mta.support import HASH, SECRET, free_port

RUNNER = "nobody"
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("dovecot") is None, reason="Debian package dovecot-imapd is missing"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A tree, and the port where an unprivileged Dovecot serves it."""
    base = Path("/tmp") / f"hs-dovecot-{os.getpid()}"
    base.mkdir(mode=0o755)
    user = RUNNER if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    try:
        tree = VpopmailTree(base / "mail")
        tree.ensure_layout("mx.one.test")
        tree.add_domain("one.test", HASH)
        tree.add_user("alice@one.test", HASH, quota_bytes=100_000)
        tree.add_user("bob@one.test", HASH)
        tree.add_domain_alias("one.test", "uno.test")
        deliver(tree, "alice@one.test", b"Subject: first\n\nhello\n")
        port = free_port()
        (base / "run").mkdir()
        config = base / "dovecot.conf"
        text = dovecot_config(base / "mail", base / "run", port, None, None, user, None)
        # So that a test can say which address it comes from (IMAP ID, x-originating-ip).
        config.write_text(text + "login_trusted_networks = 127.0.0.1\n")
        if os.getuid() == 0:
            hand_over(base, user)
        process = start(config, user)
        wait_for(port, process)
        yield tree, port, base, user
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def hand_over(base: Path, user: str) -> None:
    entry = pwd.getpwnam(user)
    for path in (base, *base.rglob("*")):
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def start(config: Path, user: str) -> subprocess.Popen:
    entry = pwd.getpwnam(user)
    rights = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    return subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(config)], **rights)


def wait_for(port: int, process: subprocess.Popen) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert process.poll() is None, "dovecot ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("dovecot does not listen")


def deliver(tree, address, message):
    user = tree.find_user(address)
    target = MailboxTarget(user.address, user.maildir, user.quota)
    boxes = MaildirMailboxes("mx.one.test", system_clock)
    assert boxes.reserve(target, len(message), len(message))
    commit_now(boxes.prepare([target], [message]))


@pytest.fixture
def change(served):
    """The tree, changed as root but owned by Dovecot's user afterwards."""
    tree, _, base, user = served

    def do(act):
        act(tree)
        if os.getuid() == 0:
            hand_over(base / "mail", user)

    return do


def log_in(port, name="alice@one.test", password=SECRET):
    client = imaplib.IMAP4("127.0.0.1", port)
    try:
        client.login(name, password)
    except imaplib.IMAP4.error:
        client.shutdown()
        raise
    return client


def test_imap_reads_what_the_engine_delivered(served):
    client = log_in(served[1])
    assert client.select("INBOX")[1] == [b"1"]
    assert b"Subject: first" in client.fetch("1", "(BODY.PEEK[])")[1][0][1]
    client.logout()


def test_any_case_and_an_alias_domain_sign_in(served):
    log_in(served[1], "Alice@ONE.test").logout()
    log_in(served[1], "alice@uno.test").logout()


def test_the_quota_of_vpasswd_is_shown_and_kept(served):
    client = log_in(served[1])
    shown = b" ".join(row for rows in client.getquotaroot("INBOX")[1] for row in rows)
    assert b"STORAGE 1 98" in shown or b"STORAGE 0 97" in shown, shown
    with pytest.raises(imaplib.IMAP4.error, match=r"(?i)quota"):
        client_append(client)
    client.logout()


def client_append(client):
    kind, data = client.append("INBOX", None, None, b"Subject: big\r\n\r\n" + b"x" * 200_000)
    if kind != "OK":
        raise imaplib.IMAP4.error(str(data))


@pytest.mark.parametrize(
    "name", ["alice@one.test", "nobody@one.test", "x@nowhere.test", "../x@one.test", "x"]
)
def test_a_wrong_name_or_password_is_refused(served, name):
    with pytest.raises(imaplib.IMAP4.error):
        log_in(served[1], name, "wrong")


def test_a_suspended_domain_is_closed_and_opens_again(served, change):
    change(lambda tree: tree.suspend_domain("one.test"))
    with pytest.raises(imaplib.IMAP4.error):
        log_in(served[1])
    change(lambda tree: tree.resume_domain("one.test"))
    log_in(served[1]).logout()


def test_no_imap_closes_one_mailbox(served, change):
    change(lambda tree: tree.change_user("bob@one.test", flags=UserFlag.NO_IMAP))
    with pytest.raises(imaplib.IMAP4.error):
        log_in(served[1], "bob@one.test")
    change(lambda tree: tree.change_user("bob@one.test", flags=UserFlag.NO_POP))
    log_in(served[1], "bob@one.test").logout()


def test_the_script_is_part_of_the_package():
    assert AUTH_SCRIPT.is_file()


def test_the_configuration_stays_on_this_machine_and_needs_no_root(tmp_path):
    text = dovecot_config(tmp_path, tmp_path, 10143, 10993, 14190, RUNNER, tmp_path / "cert.pem")
    assert "listen = 127.0.0.1" in text
    assert "default_login_user = nobody" in text
    for port in (10143, 10993, 14190):
        assert f"port = {port}" in text
    assert "ssl = no" in dovecot_config(tmp_path, tmp_path, 10143, 10993, None, RUNNER, None)


def sign_in_from(port, address):
    with imaplib.IMAP4("127.0.0.1", port) as client:
        imaplib.Commands.setdefault("ID", ("NONAUTH", "AUTH"))
        client._simple_command("ID", f'("x-originating-ip" "{address}")')
        client.login("alice@one.test", SECRET)


@pytest.mark.guide("MAIL-AUTH-014")
def test_reading_mail_by_imap_opens_relaying_where_the_operator_wants_it(served):
    tree, port, _, _ = served
    relay = RelayFiles(tree.root, system_clock)
    sign_in_from(port, "192.0.2.70")
    assert relay.tcp_rule_for("192.0.2.70").rule is None
    (tree.qmail.control / "options").write_text("popbeforesmtp 1\n")
    try:
        sign_in_from(port, "192.0.2.71")
        found = relay.tcp_rule_for("192.0.2.71")
        assert found.is_dynamic
        assert found.environment["RELAYCLIENT"] == ""
        assert relay.tcp_rule_for("192.0.2.72").rule is None
    finally:
        (tree.qmail.control / "options").unlink()
