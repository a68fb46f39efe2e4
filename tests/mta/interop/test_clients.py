"""Every client that people use hands in a letter by every way it knows; it arrives as it was written."""

import itertools
import re
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from heliosphere.mta.store import VpopmailTree
from tests.mta.interop import programs, relays
from tests.mta.interop.letters import BODY, Letter, body_of
from tests.mta.interop.routes import Route
from tests.mta.support import HASH, SECRET, messages_in
from tests.mta.test_serve import engine, until

pytestmark = pytest.mark.integration

CLIENTS = {
    "swaks": programs.by_swaks, "msmtp": programs.by_msmtp, "nodemailer": programs.by_nodemailer,
    "smtplib": programs.by_smtplib, "aiosmtplib": programs.by_aiosmtplib, "Postfix": relays.by_postfix,
    "Exim": relays.by_exim, "OpenSMTPD": relays.by_opensmtpd,
}  # fmt: skip
WAYS = ("plain", "STARTTLS", "STARTTLS and sign-in", "TLS first and sign-in")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def home():
    """Below a directory that every account may enter: relays give up root's rights."""
    with tempfile.TemporaryDirectory(prefix="heliosphere-interop-", dir="/var/tmp") as text:
        Path(text).chmod(0o755)
        yield Path(text)


@pytest.fixture(scope="module")
def certificate(home):
    key, cert = home / "key.pem", home / "cert.pem"
    subprocess.run(
        ["/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2", "-keyout", str(key),
         "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert


@pytest.fixture(scope="module")
def served(home, certificate):
    tree = VpopmailTree(home / "mail")
    tree.ensure_layout("mx.one.test")
    tree.add_domain("one.test", HASH)
    tree.add_user("alice@one.test", HASH)
    tree.add_user("bob@one.test", HASH)
    (tree.qmail.control / "smtplog").write_text("2\n")
    pem = certificate.read_text() + (home / "key.pem").read_text()
    (tree.qmail.control / "servercert.pem").write_text(pem)
    names = ("smtp", "submission", "smtps")
    with engine(tree.root, "--workers", "1", "--no-send", names=names, log=home / "mta.log") as one:
        yield tree, one


def route_for(way, served, certificate):
    ports = served.ports
    if way == "plain":
        return Route(ports["smtp"], "", certificate)
    if way == "STARTTLS":
        return Route(ports["smtp"], "on demand", certificate)
    name, tls = ("submission", "on demand") if way.startswith("STARTTLS") else ("smtps", "first")
    return Route(ports[name], tls, certificate, "bob@one.test", SECRET)


def replies_since(log, start):
    """Code of every reply the engine gave, from its log."""
    text = log.read_text("utf-8", "replace")[start:]
    return [int(code) for code in re.findall(r"qmail-smtpd: pid \d+ \S+ > (\d{3})", text)]


def deliver(client, way, served, certificate, home):
    tree, one = served
    start = len(one.log.read_text("utf-8", "replace"))
    letter = Letter(f"letter{next(_numbers)}", "bob@one.test" if "sign-in" in way else "carl@far.test",
                    "alice@one.test")  # fmt: skip
    own = home / letter.token
    own.mkdir(mode=0o755)
    client(route_for(way, one, certificate), letter, own)
    subject = f"Subject: {letter.token}\n".encode()
    arrived = until(lambda: [text for text in messages_in(tree, "alice@one.test") if subject in text])
    assert len(arrived) == 1
    assert body_of(arrived[0]) == BODY
    replies = replies_since(one.log, start)
    assert 250 in replies
    assert [code for code in replies if code >= 400] == []
    return arrived[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_letter_arrives_as_it_was_written(name, way, served, certificate, home):
    message = deliver(CLIENTS[name], way, served, certificate, home)
    received = message[message.rindex(b"Received:", 0, message.index(b"mx.one.test")) :]
    protocol = re.search(rb"by mx\.one\.test with (\w+)", received)[1]
    wanted = {"plain": b"ESMTP", "STARTTLS": b"ESMTPS"}.get(way, b"ESMTPSA")
    assert protocol == wanted


def test_smtp_source_delivers_what_is_in_a_file(served, certificate, home):
    """It knows no TLS, and greets with HELO."""
    deliver(programs.by_smtp_source, "plain", served, certificate, home)


def test_a_client_that_closes_its_half_of_the_line_gets_all_its_answers(served):
    """Exim says everything in advance and then closes for writing; without the last answer it would send
    the same letter again."""
    _, one = served
    with socket.create_connection(("127.0.0.1", one.ports["smtp"]), timeout=20) as client:
        letter = b"Subject: x\r\n\r\nx\r\n"
        client.sendall(
            b"EHLO far.test\r\nMAIL FROM:<carl@far.test>\r\nRCPT TO:<bob@one.test>\r\n"
            b"BDAT %d LAST\r\n%sQUIT\r\n" % (len(letter), letter)
        )
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as lines:
            said = lines.read()
    codes = [line[:3] for line in said.splitlines() if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"250", b"221"]
