"""The engine as people run it: one command, real ports, real clients."""

import os
import poplib
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mta.support import SECRET, free_port, messages_in

pytestmark = pytest.mark.integration
PORTS = ("smtp", "submission", "pop3")


class Engine:
    def __init__(self, process, ports, log):
        self.process, self.ports, self.log = process, ports, log

    def smtp(self, name="smtp"):
        return smtplib.SMTP("127.0.0.1", self.ports[name], timeout=20)

    def pop3(self):
        return poplib.POP3("127.0.0.1", self.ports["pop3"], timeout=20)

    def children(self):
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def workers(self):
        """Process numbers of the smtpd workers, from the log."""
        lines = [
            line for line in self.log.read_text().splitlines() if "program.started program=smtpd" in line
        ]
        return [int(line.rpartition("pid=")[2]) for line in lines]


@contextmanager
def engine(root, *options, names=PORTS, log):
    ports = {name: free_port() for name in names}
    command = [sys.executable, "-m", "heliosphere.mta.programs.serve", "--root", str(root), *options]
    for name, port in ports.items():
        command += [f"--{name}", f"127.0.0.1:{port}"]
    with log.open("ab") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout.readline() == b"ready\n", log.read_text()
        yield Engine(process, ports, log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        process.stdout.close()


@pytest.fixture
def log(tmp_path):
    return tmp_path / "mta.log"


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")


def test_submit_deliver_and_read(tree, log):
    with engine(tree.root, "--workers", "2", log=log) as served:
        with served.smtp("submission") as client:
            client.login("alice@one.test", SECRET)
            client.sendmail("alice@one.test", ["carol@two.test"], "Subject: hi\n\n.hello\n")
        box = served.pop3()
        box.user("carol@two.test")
        box.pass_(SECRET)
        assert box.stat()[0] == 1
        assert box.retr(1)[1][-3:] == [b"Subject: hi", b"", b".hello"]
        box.dele(1)
        box.quit()
        assert messages_in(tree, "carol@two.test") == []
        with served.smtp("submission") as client:
            client.login("alice@one.test", SECRET)
            client.sendmail("alice@one.test", ["nobody@one.test"], "Subject: hi\n\nhello\n")
        until(lambda: messages_in(tree, "alice@one.test"))
    assert "password" not in log.read_text().replace("wrong password", "")
    assert SECRET not in log.read_text()


def test_strangers_and_closed_mailboxes_are_refused(tree, log):
    with engine(tree.root, "--workers", "1", log=log) as served:
        with served.smtp() as client:
            with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
                client.sendmail("x@far.test", ["joe@far.test"], "x")
            assert caught.value.recipients["joe@far.test"][0] == 553
            with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
                client.sendmail("x@far.test", ["nobody@one.test"], "x")
            assert caught.value.recipients["nobody@one.test"][0] == 550
        with served.smtp("submission") as client, pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail("alice@one.test", ["alice@one.test"], "x")
        tree.suspend_domain("one.test")  # seen by the running engine at once
        started = time.monotonic()
        with served.smtp("submission") as client:
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                client.login("alice@one.test", SECRET)
            assert refused.value.smtp_code == 535
        assert time.monotonic() - started >= 5
        box = served.pop3()
        box.user("alice@one.test")
        with pytest.raises(poplib.error_proto):
            box.pass_(SECRET)
        box.close()
        with served.smtp() as client, pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            client.sendmail("x@far.test", ["alice@one.test"], "x")
        assert caught.value.recipients["alice@one.test"][0] == 550
        tree.resume_domain("one.test")
        with served.smtp("submission") as client:
            client.login("alice@one.test", SECRET)


def test_a_killed_worker_is_healed_and_loses_no_mail(tree, log):
    with engine(tree.root, "--workers", "2", log=log) as served:
        first = served.workers()
        assert len(first) == 2
        accepted, stop = [], threading.Event()

        def send_on():
            while not stop.is_set():
                try:
                    with served.smtp() as client:
                        client.sendmail("x@far.test", ["alice@one.test"], "Subject: x\n\nx\n")
                    accepted.append(1)
                except (smtplib.SMTPException, OSError):
                    continue

        senders = [threading.Thread(target=send_on) for _ in range(3)]
        for sender in senders:
            sender.start()
        until(lambda: len(accepted) > 10)
        os.kill(first[0], signal.SIGKILL)
        until(lambda: len(served.workers()) == 3)
        seen = len(accepted)
        until(lambda: len(accepted) > seen + 10)
        stop.set()
        for sender in senders:
            sender.join(20)
        assert len(messages_in(tree, "alice@one.test")) >= len(accepted)
        assert len(served.children()) == 4
    assert "program.ended program=smtpd.1 exit=-9" in log.read_text()


def test_a_message_in_the_queue_survives_a_killed_sender(tree, log):
    with engine(tree.root, "--workers", "1", "--no-send", log=log) as served:
        with served.smtp("submission") as client:
            client.login("alice@one.test", SECRET)
            client.sendmail("alice@one.test", ["carol@two.test", "nobody@two.test"], "Subject: x\n\nx\n")
        assert len(messages_in(tree, "carol@two.test")) == 1  # a plain mailbox needs no queue
        assert messages_in(tree, "alice@one.test") == []
    with engine(tree.root, names=("smtp",), log=log):
        until(lambda: messages_in(tree, "alice@one.test"))


def test_a_taken_port_is_named_and_nothing_starts(tree):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = run_to_end(tree, "--smtp", f"127.0.0.1:{port}")
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in found.stderr


def test_a_second_engine_on_the_same_port_is_refused(tree, log):
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        found = run_to_end(tree, "--smtp", f"127.0.0.1:{served.ports['smtp']}")
    assert found.returncode == 1


def run_to_end(tree, *options):
    command = [sys.executable, "-m", "heliosphere.mta.programs.serve", "--root", str(tree.root), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_sigterm_ends_all_within_seconds_even_with_clients_connected(tree, log):
    with engine(tree.root, "--workers", "2", log=log) as served:
        client, box = served.smtp(), served.pop3()
        client.ehlo()
        children = served.children()
        started = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(10) == 0
        assert time.monotonic() - started < 5
        assert b"421" in client.sock.recv(1000)
        client.close()
        box.close()
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_a_killed_supervisor_takes_its_programs_with_it(tree, log):
    with engine(tree.root, "--workers", "1", log=log) as served:
        children = served.children()
        served.process.kill()
        served.process.wait(10)
        until(lambda: not any(is_alive(pid) for pid in children))
        served.process.returncode = 0
        served.process.send_signal = lambda number: None
        served.process.wait = lambda timeout: 0


def is_alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "servercert.pem"
    key, cert = path.with_name("key.pem"), path.with_name("cert.pem")
    subprocess.run(
        ["/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-days", "2", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(cert.read_text() + key.read_text())
    return path


def test_tls_from_the_start_and_on_demand(tree, log, certificate):
    (tree.qmail.control / "servercert.pem").write_bytes(certificate.read_bytes())
    trust = ssl.create_default_context(cafile=str(certificate))
    with engine(tree.root, "--workers", "1", names=(*PORTS, "smtps", "pop3s"), log=log) as served:
        with served.smtp("submission") as client:
            client._host = "localhost"
            client.starttls(context=trust)
            client.login("alice@one.test", SECRET)
            client.sendmail("alice@one.test", ["carol@two.test"], "Subject: tls\n\nx\n")
        with smtplib.SMTP_SSL("localhost", served.ports["smtps"], context=trust, timeout=20) as client:
            client.login("alice@one.test", SECRET)
            client.sendmail("alice@one.test", ["carol@two.test"], "Subject: tls\n\nx\n")
        box = poplib.POP3_SSL("localhost", served.ports["pop3s"], context=trust, timeout=20)
        box.user("carol@two.test")
        box.pass_(SECRET)
        assert b"with ESMTPSA" in b"\n".join(box.retr(1)[1])
        box.quit()
        box = served.pop3()
        box.host = "localhost"
        box.stls(context=trust)
        box.user("carol@two.test")
        box.pass_(SECRET)
        assert box.stat()[0] == 2
        box.quit()


def test_commands_sent_ahead_of_the_handshake_are_not_obeyed(tree, log, certificate):
    (tree.qmail.control / "servercert.pem").write_bytes(certificate.read_bytes())
    trust = ssl.create_default_context(cafile=str(certificate))
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        raw = socket.create_connection(("127.0.0.1", served.ports["smtp"]), timeout=20)
        raw.recv(1000)
        raw.sendall(b"STARTTLS\r\nEHLO evil\r\n")
        assert raw.recv(1000) == b"220 2.0.0 ready to start TLS\r\n"
        raw.close()
        with served.smtp() as client:
            client._host = "localhost"
            client.starttls(context=trust)
            assert client.noop()[0] == 250


def test_a_changed_control_counts_for_the_next_connection(tree, log):
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        with served.smtp() as before:
            before.ehlo()
            (tree.qmail.control / "databytes").write_text("1234\n")
            assert before.esmtp_features["size"] == "52428800"
        with served.smtp() as after:
            after.ehlo()
            assert after.esmtp_features["size"] == "1234"


@pytest.mark.guide("MAIL-CTL-033")
def test_beyond_tcpsessioncount_a_client_waits(tree, log):
    (tree.qmail.control / "tcpsessioncount").write_text("1\n")
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        first = served.smtp()
        second = socket.create_connection(("127.0.0.1", served.ports["smtp"]), timeout=20)
        second.settimeout(0.5)
        with pytest.raises(TimeoutError):
            second.recv(10)
        first.quit()
        second.settimeout(20)
        assert second.recv(100).startswith(b"220")
        second.close()


@pytest.mark.guide("MAIL-CTL-053")
def test_a_silent_client_is_sent_away(tree, log):
    (tree.qmail.control / "timeoutsmtpd").write_text("1\n")
    with (
        engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served,
        socket.create_connection(("127.0.0.1", served.ports["smtp"]), timeout=20) as client,
        client.makefile("rb") as lines,
    ):
        assert lines.readline().startswith(b"220")
        assert lines.readline().startswith(b"451 4.4.2")
        assert lines.readline() == b""
    assert "smtp.timeout" in log.read_text()
