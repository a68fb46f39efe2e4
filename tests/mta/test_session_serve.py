"""SMTP sessions with the engine as people run it: what transcripts cannot show, because it takes processes,
sockets, files that change under way, TLS, and a DNS that answers."""

import asyncio
import base64
import json
import re
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from dnslib import MX, PTR, QTYPE, RCODE, RR, TXT, A
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.adapters.network.pop3_listener import Pop3Service, Pop3Session
from heliosphere.mta.adapters.network.tls_context import ServerCertificate
from heliosphere.mta.adapters.store.mailbox_directory import MailboxDirectory
from heliosphere.mta.adapters.store.vpopmail_tree import system_clock
from heliosphere.mta.rules.store.flags import UserFlag
from tests.mta.support import SECRET, Events, free_port, messages_in
from tests.mta.test_serve import engine, until

pytestmark = pytest.mark.integration
STRANGER, OTHER = "203.0.113.5", "203.0.113.6"
PLAIN = base64.b64encode(f"\0alice@one.test\0{SECRET}".encode()).decode()
WRONG = base64.b64encode(b"\0alice@one.test\0wrong").decode()


class Answers(BaseResolver):
    """The DNS as a dictionary: (name, kind) to values, FAILED for a server that is out of order."""

    def __init__(self, records):
        self.records, self.asked = records, []

    def resolve(self, request, handler):
        name, kind = str(request.q.qname).rstrip(".").lower(), QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        reply = request.reply()
        values = self.records.get((name, kind))
        if values == "FAILED":
            reply.header.rcode = RCODE.SERVFAIL
        elif values is None and not any(known == name for known, _ in self.records):
            reply.header.rcode = RCODE.NXDOMAIN
        make = {"A": A, "TXT": TXT, "PTR": PTR, "MX": MX}
        for value in values or () if values != "FAILED" else ():
            reply.add_answer(RR(request.q.qname, request.q.qtype, rdata=make[kind](value), ttl=60))
        return reply


@contextmanager
def dns(records):
    port, answers = free_port(), Answers(records)
    server = DNSServer(
        answers,
        port=port,
        address="127.0.0.1",
        logger=DNSLogger(logf=lambda text: None),
    )
    server.start_thread()
    try:
        yield answers, f"127.0.0.1:{port}"
    finally:
        server.stop()
        server.server.server_close()


class Talk:
    """A client that is slow to hide what it was told. `ip` given: with a PROXY header, version 1 or 2."""

    def __init__(self, served, *, ip=None, version=1, name="smtp", greeting=True):
        self.sock = socket.create_connection(("127.0.0.1", served.ports[name]), timeout=20)
        if ip is not None:
            self.sock.sendall(header_1(ip) if version == 1 else header_2(ip))
        self.lines = self.sock.makefile("rb")
        self.greeting = self.answer() if greeting else ""

    def answer(self):
        """The last line of a reply, empty at the end of the connection."""
        while line := self.lines.readline().decode():
            if line[3:4] != "-":
                return line.rstrip("\r\n")
        return ""

    def say(self, line):
        self.sock.sendall(line.encode() + b"\r\n")
        return self.answer()

    def send(self, *recipients, sender="x@far.test", message="Subject: hi\r\n\r\nhello\r\n"):
        """The answers to MAIL, every RCPT and, if one was taken, to the message."""
        said = [self.say(f"MAIL FROM:<{sender}>"), *(self.say(f"RCPT TO:<{one}>") for one in recipients)]
        if said[0].startswith("250") and any(one.startswith("250") for one in said[1:]):
            self.say("DATA")
            said.append(self.say(f"{message}."))
        return said

    def close(self):
        self.lines.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *trouble):
        self.close()


def header_1(ip):
    return f"PROXY TCP4 {ip} 127.0.0.1 40000 25\r\n".encode()


def header_2(ip):
    addresses = socket.inet_aton(ip) + socket.inet_aton("127.0.0.1") + struct.pack(">HH", 40000, 25)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(">BBH", 0x21, 0x11, len(addresses)) + addresses


@pytest.fixture
def log(tmp_path):
    return tmp_path / "mta.log"


@pytest.fixture
def control(tree):
    def write(name, text):
        (tree.qmail.control / name).write_text(f"{text}\n")

    return write


def codes(answers):
    return [one[:3] for one in answers]


# How many


@pytest.mark.guide("MAIL-CTL-033", "MAIL-CTL-035")
def test_tcpsessioncount_is_of_all_workers_together(tree, log, control):
    control("tcpsessioncount", 2)
    with engine(tree.root, "--workers", "2", names=("smtp",), log=log) as served:
        inside = [Talk(served), Talk(served)]
        waiting = [Talk(served, greeting=False) for _ in range(4)]
        control("tcpsessioncount", 6)  # read at start only
        for talk in waiting:
            talk.sock.settimeout(1.0)
        with ThreadPoolExecutor(4) as pool:
            assert not any(pool.map(first_bytes, waiting))
        for talk in waiting:
            talk.sock.settimeout(20)
        for talk in inside:
            talk.close()
        with ThreadPoolExecutor(4) as pool:
            # The others come in as places become free.
            assert all(pool.map(greeted_and_gone, waiting))


def test_a_burst_gets_no_more_places_than_there_are(tree, log, control):
    control("tcpsessioncount", 2)
    with engine(tree.root, "--workers", "2", names=("smtp",), log=log) as served:
        talks = [Talk(served, greeting=False) for _ in range(12)]
        for talk in talks:
            talk.sock.settimeout(1.0)
        with ThreadPoolExecutor(12) as pool:
            greeted = [talk for talk in pool.map(first_bytes, talks) if talk is not None]
        assert len(greeted) == 2
        for talk in talks:
            talk.close()


def first_bytes(talk):
    try:
        return talk if talk.sock.recv(4, socket.MSG_PEEK) else None
    except TimeoutError:
        return None


def greeted_and_gone(talk):
    found = talk.sock.recv(4)
    talk.close()
    return found == b"220 "


@pytest.mark.guide("MAIL-CTL-154")
def test_periplimit_counts_one_address_over_all_workers(tree, log, control):
    control("proxyprotocol", "127.0.0.1")
    control("periplimit", 2)
    with engine(tree.root, "--workers", "2", names=("smtp",), log=log) as served:
        first, second = Talk(served, ip=STRANGER), Talk(served, ip=STRANGER)
        assert codes([first.greeting, second.greeting]) == ["220", "220"]
        with Talk(served, ip=STRANGER) as third:
            assert re.match(r"421 .*\(#4\.7\.0\)", third.greeting)
            assert third.answer() == ""
        with Talk(served, ip=OTHER) as other:
            assert other.greeting.startswith("220")
        assert first.say("QUIT").startswith("221")
        first.close()
        until(lambda: greeting_of(served, STRANGER).startswith("220"))
        second.close()
        control("periplimit", 0)
        many = [Talk(served, ip=STRANGER) for _ in range(5)]
        assert {one.greeting[:3] for one in many} == {"220"}
        for one in many:
            one.close()


def greeting_of(served, ip):
    with Talk(served, ip=ip) as talk:
        return talk.greeting


# Files that change


@pytest.mark.guide("MAIL-CTL-008", "MAIL-CTL-019", "MAIL-CTL-025")
def test_controls_count_for_the_next_connection(tree, log, control):
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        with Talk(served) as before:
            control("badmailfrom", "@far.test")
            assert codes(before.send("alice@one.test")) == ["250", "250", "250"]
        with Talk(served) as after:
            assert codes(after.send("alice@one.test")) == ["250", "553"]
            control("badmailfrom", "@elsewhere.test")
            assert codes(after.send("alice@one.test")) == ["250", "553"]
        with Talk(served) as third:
            assert codes(third.send("alice@one.test")) == ["250", "250", "250"]
        (tree.qmail.control / "badmailfrom").unlink()
        control("options", "noathost 1")
        with Talk(served) as fourth:
            assert fourth.say("MAIL FROM:<>").startswith("553 5.1.7")


def test_a_control_that_cannot_be_read_turns_clients_away_until_it_can(tree, log):
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        broken = tree.qmail.control / "badrcptto"
        broken.mkdir()
        with Talk(served) as talk:
            assert re.match(r"421 .*\(#4\.3\.0\)", talk.greeting)
            assert talk.answer() == ""
        assert "control.unreadable" in log.read_text()
        broken.rmdir()
        with Talk(served) as talk:
            assert talk.greeting.startswith("220")


def test_a_bad_value_is_logged_and_mail_goes_on(tree, log, control):
    control("maxrecipients", "abc")
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served, Talk(served) as talk:
        assert codes(talk.send("alice@one.test", "bob@one.test")) == ["250", "250", "250", "250"]
    assert re.search(r"control.bad_value .*control=maxrecipients", log.read_text())


# tcp.smtp and POP before SMTP


def write_rules(tree, text):
    path = tree.root / "vpopmail" / "etc" / "tcp.smtp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_tcp_rules_deny_without_a_byte_and_set_variables(tree, log, control):
    control("proxyprotocol", "127.0.0.1")
    write_rules(tree, f'{STRANGER}:deny\n{OTHER}:allow,RELAYCLIENT="",DATABYTES="2000"\n:allow\n')
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        assert greeting_of(served, STRANGER) == ""
        with Talk(served, ip=OTHER) as talk:
            assert "SIZE 2000" in ehlo(talk)
            assert codes(talk.send("joe@elsewhere.test")) == ["250", "250", "250"]
        with Talk(served, ip="203.0.113.7") as talk:
            assert codes(talk.send("joe@elsewhere.test")) == ["250", "553"]
        write_rules(tree, ":allow\n")
        until(lambda: greeting_of(served, STRANGER).startswith("220"))
    assert re.search(rf"smtp.denied .*ip={STRANGER}", log.read_text())


def ehlo(talk):
    talk.sock.sendall(b"EHLO c.test\r\n")
    lines = []
    while True:
        lines.append(talk.lines.readline().decode().rstrip())
        if lines[-1][3:4] != "-":
            return "\n".join(lines)


class FarTransport(asyncio.Transport):
    """A connection from afar that is encrypted, as far as the session can tell."""

    def __init__(self, ip):
        super().__init__({"peername": (ip, 40000), "ssl_object": object()})
        self.said = b""

    def write(self, data):
        self.said += data

    def close(self):
        pass

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


class Nobody:
    def is_blocked(self, ip, account):
        return False

    def failed(self, ip, account):
        pass


async def sign_in_by_pop3(tree, ip, address="alice@one.test"):
    controls = ControlFiles(tree.qmail.control)
    service = Pop3Service(
        MailboxDirectory(tree, controls, system_clock), controls,
        ServerCertificate(tree.qmail.control / "servercert.pem"), RelayFiles(tree.root, system_clock),
        Nobody(),
        Events(), lambda session: None,
    )  # fmt: skip
    session, transport = Pop3Session(service), FarTransport(ip)
    session.connection_made(transport)
    session.data_received(f"USER {address}\r\nPASS {SECRET}\r\n".encode())
    for _ in range(400):
        if transport.said.count(b"\r\n") >= 3:
            break
        await asyncio.sleep(0.02)
    assert transport.said.count(b"+OK") == 3, transport.said
    session.connection_lost(None)


@pytest.mark.guide("MAIL-AUTH-008", "MAIL-AUTH-014", "MAIL-CTL-012")
def test_reading_mail_opens_relaying_only_where_that_is_wanted(tree, log, control):
    control("proxyprotocol", "127.0.0.1")
    control("smdcheck", 1)
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        asyncio.run(sign_in_by_pop3(tree, STRANGER))
        with Talk(served, ip=STRANGER) as talk:
            assert codes(talk.send("joe@elsewhere.test", sender="alice@one.test")) == ["250", "553"]
        control("popbeforesmtp", 1)
        asyncio.run(sign_in_by_pop3(tree, STRANGER))
        with Talk(served, ip=STRANGER) as talk:
            assert codes(talk.send("joe@elsewhere.test", sender="alice@one.test")) == ["250", "250", "250"]
            # An address of elsewhere may not be used for mail to elsewhere.
            assert codes(talk.send("joe@elsewhere.test", sender="x@far.test")) == ["250", "553"]
        with Talk(served, ip=OTHER) as talk:
            assert codes(talk.send("joe@elsewhere.test", sender="alice@one.test")) == ["250", "553"]
        control("popbeforesmtp", 0)  # what was opened stays until it is over
        with Talk(served, ip=STRANGER) as talk:
            assert codes(talk.send("joe@elsewhere.test", sender="alice@one.test")) == ["250", "250", "250"]


def test_a_user_without_relay_opens_nothing_by_reading_mail(tree, log, control):
    control("proxyprotocol", "127.0.0.1")
    control("popbeforesmtp", 1)
    tree.change_user("bob@one.test", flags=UserFlag.NO_RELAY)
    asyncio.run(sign_in_by_pop3(tree, STRANGER, "bob@one.test"))
    with (
        engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served,
        Talk(served, ip=STRANGER) as talk,
    ):
        assert codes(talk.send("joe@elsewhere.test", sender="alice@one.test")) == ["250", "553"]


@pytest.mark.guide("MAIL-AUTH-015")
def test_an_opening_ends_after_opensmtptimeout(tree, log, control):
    control("proxyprotocol", "127.0.0.1")
    control("opensmtptimeout", 2)
    path = tree.root / "vpopmail" / "etc" / "open-smtp"
    path.parent.mkdir(parents=True, exist_ok=True)
    line = '{}:allow,RELAYCLIENT="",RBLSMTPD=""\t{}\n'
    now = int(time.time())
    path.write_text(line.format(STRANGER, now - 60) + line.format(OTHER, now - 180))
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        with Talk(served, ip=STRANGER) as talk:
            assert codes(talk.send("joe@elsewhere.test")) == ["250", "250", "250"]
        with Talk(served, ip=OTHER) as talk:
            assert codes(talk.send("joe@elsewhere.test")) == ["250", "553"]


# PROXY


def test_proxy_headers_of_both_versions_and_of_nobody_else(tree, log, control):
    control("proxyprotocol", "127.0.0.1")
    control("relayclients", STRANGER)
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        for version in (1, 2):
            with Talk(served, ip=STRANGER, version=version) as talk:
                assert codes(talk.send("joe@elsewhere.test")) == ["250", "250", "250"]
            with Talk(served, ip=OTHER, version=version) as talk:
                assert codes(talk.send("joe@elsewhere.test")) == ["250", "553"]
        with Talk(served, greeting=False) as talk:  # a balancer that forgets the header is cut off
            talk.sock.sendall(b"EHLO c\r\n")
            assert is_over(talk)
        for cut in (1, 8, 20):
            with Talk(served, greeting=False) as talk:
                header = header_2(STRANGER)
                talk.sock.sendall(header[:cut])
                time.sleep(0.05)
                talk.sock.sendall(header[cut:])
                assert talk.answer().startswith("220")
        control("proxyprotocol", "10.7.0.0/16")
        with Talk(served, greeting=False) as talk:  # nobody here is a balancer: it is a command line
            assert talk.answer().startswith("220")
            assert talk.say(f"PROXY TCP4 {STRANGER} 127.0.0.1 40000 25").startswith("502")
            assert codes(talk.send("joe@elsewhere.test")) == ["250", "553"]


def is_over(talk):
    try:
        return talk.sock.recv(100) == b""
    except ConnectionResetError:
        return True


# Signing in


def test_failed_sign_ins_are_counted_across_connections(tree, log, control):
    control("smtpauth", 1)
    control("authfaillimit", 2)
    with engine(tree.root, "--workers", "2", names=("smtp",), log=log) as served:
        with ThreadPoolExecutor(2) as pool:  # each failure costs five seconds
            said = list(pool.map(lambda _: fail(served), range(2)))
        assert codes(said) == ["535", "535"]
        with Talk(served) as talk:
            assert talk.say(f"AUTH PLAIN {PLAIN}").startswith("421 4.7.0")
            assert talk.answer() == ""
    text = log.read_text()
    assert text.count("auth.refused") == 2
    assert "auth.blocked" in text
    assert SECRET not in text
    assert PLAIN not in text


def fail(served):
    started = time.monotonic()
    with Talk(served) as talk:
        said = talk.say(f"AUTH PLAIN {WRONG}")
    assert time.monotonic() - started >= 5
    return said


# The log


@pytest.mark.guide("MAIL-LOG-013", "MAIL-LOG-014", "MAIL-LOG-015", "MAIL-LOG-016", "MAIL-LOG-017")
def test_the_session_log_at_its_three_levels(tree, log, control):
    control("proxyprotocol", "127.0.0.1")
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        for level, ip in enumerate(("203.0.113.50", "203.0.113.51", "203.0.113.52")):
            control("options", f"smtplog {level}")
            with Talk(served, ip=ip) as talk:
                talk.say("EHLO c.test")
                talk.send("joe@elsewhere.test", "alice@one.test")
    lines = log.read_text().splitlines()
    quiet, verbs, whole = (
        [line for line in lines if ip in line and "qmail-smtpd: pid" in line]
        for ip in ("203.0.113.50", "203.0.113.51", "203.0.113.52")
    )
    reject = (
        r"qmail-smtpd: pid \d+ Reject::SNDR::Invalid_Relay: P:ESMTP S:203\.0\.113\.5\d:unknown H:c\.test "
        r"F:x@far\.test T:joe@elsewhere\.test"
    )
    accept = r"Accept::RCPT::Rcpthosts_Rcptto: P:ESMTP S:203\.0\.113\.5\d:unknown .* T:alice@one\.test"
    for part in (quiet, verbs, whole):
        assert sum(bool(re.search(reject, line)) for line in part) == 1
        assert sum(bool(re.search(accept, line)) for line in part) == 1
    assert len(quiet) == 2
    assert any(line.endswith("< MAIL") for line in verbs)
    assert any(line.endswith("> 553") for line in verbs)
    assert not any("MAIL FROM" in line for line in verbs)
    assert any(line.endswith("< MAIL FROM:<x@far.test>") for line in whole)
    assert not any("hello" in line for line in lines)


# What is noted on a message


@pytest.mark.guide(
    "MAIL-SPF-007", "MAIL-SPF-016", "MAIL-HDR-001", "MAIL-HDR-002", "MAIL-HDR-003", "MAIL-HDR-004"
)
def test_what_is_noted_on_a_stored_message(tree, log, control):
    zone = {
        ("far.test", "TXT"): [f"v=spf1 ip4:{STRANGER} -all"], ("far.test", "MX"): ["mx.far.test"],
        ("_dmarc.far.test", "TXT"): ["v=DMARC1; p=none"],
        ("5.113.0.203.in-addr.arpa", "PTR"): ["mx.far.test"], ("mx.far.test", "A"): [STRANGER],
    }  # fmt: skip
    control("proxyprotocol", "127.0.0.1")
    control("spfbehavior", 1)
    control("authresults", 1)
    control("xenveloptoheader", 1)
    control("relaydomains", "nobody.test")  # the name is looked up, and so stands in Received
    with (
        dns(zone) as (_, resolver),
        engine(tree.root, "--workers", "1", "--resolver", resolver, names=("smtp",), log=log) as served,
    ):
        with Talk(served, ip=STRANGER) as talk:
            talk.say("EHLO greets.test")
            assert (
                codes(talk.send("alice@one.test", message="From: x@far.test\r\n\r\nhello\r\n"))[-1] == "250"
            )
        control("relayclients", OTHER)
        with Talk(served, ip=OTHER) as talk:
            assert codes(talk.send("bob@one.test"))[-1] == "250"
    text = messages_in(tree, "alice@one.test")[0].decode()
    head = text.partition("\n\n")[0]
    names = re.findall(r"^([A-Za-z-]+):", head, re.MULTILINE)
    assert names == [
        "Return-Path", "Delivered-To", "X-Envelope-To", "Authentication-Results", "Received-SPF", "Received",
        "From",
    ]  # fmt: skip
    assert f"Received-SPF: pass (mx.one.test: SPF record at far.test designates {STRANGER}" in head
    assert "X-Envelope-To: alice@one.test" in head
    assert "dmarc=pass" in head
    assert "spf=pass" in head
    received = rf"Received: from mx\.far\.test \(HELO greets\.test\) \({STRANGER}\)\n  by mx\.one\.test "
    assert re.search(received + r"with ESMTP; \d+ \w{3} \d{4} \d\d:\d\d:\d\d -0000", head)
    other = messages_in(tree, "bob@one.test")[0].decode()
    assert f"\nX-Originating-IP: [{OTHER}]\n" in other
    assert "Received-SPF" not in other
    assert "X-Originating-IP" not in head


@pytest.mark.guide("MAIL-HDR-006", "MAIL-CTL-165", "MAIL-CTL-166")
def test_dates_are_in_utc_unless_localtime_is_on(tree, log, control, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        with Talk(served) as talk:
            talk.send("alice@one.test")
        control("localtime", 1)
        with Talk(served) as talk:
            talk.send("bob@one.test")
    first, second = (messages_in(tree, f"{one}@one.test")[0].decode() for one in ("alice", "bob"))
    assert re.search(r"with SMTP; .* -0000\n", first)
    assert re.search(r"with SMTP; .* \+0900\n", second)
    assert "X-Envelope-To" not in first


# Checks that ask the DNS


@pytest.mark.guide(
    "MAIL-CTL-105", "MAIL-CTL-111", "MAIL-CTL-161", "MAIL-CTL-071", "MAIL-RBL-001", "MAIL-RBL-003",
    "MAIL-SPF-009", "MAIL-SPF-024", "MAIL-RBL-006",
)  # fmt: skip
def test_checks_ask_the_resolver_that_is_given(tree, log, control):
    zone = {
        ("good.test", "A"): ["192.0.2.1"], ("broken.test", "MX"): "FAILED", ("broken.test", "A"): "FAILED",
        ("broken.test", "AAAA"): "FAILED", ("6.113.0.203.bl.test", "TXT"): ["you are listed"],
        ("7.113.0.203.abl.test", "A"): ["127.0.0.2"], ("7.113.0.203.white.test", "A"): ["127.0.0.2"],
        ("8.113.0.203.abl.test", "A"): ["127.0.0.2"],
        ("strict.test", "TXT"): ["v=spf1 -all exp=why.strict.test"],
        ("strict.test", "A"): ["192.0.2.1"], ("why.strict.test", "TXT"): ["%{i} is not ours"],
    }  # fmt: skip
    control("proxyprotocol", "127.0.0.1")
    control("rblhosts", 'a:white.test\nbl.test\n"abl.test: %IP% is on a list"')
    control("mfdnscheck", 1)
    control("helodnscheck", 1)
    control("rcptdnschecks", 1)
    control("spfbehavior", 3)
    control("badmailfrom-unknown", "@good.test")
    control("relaymailfrom", "relay@strict.test")
    with (
        dns(zone) as (answers, resolver),
        engine(tree.root, "--workers", "1", "--resolver", resolver, names=("smtp",), log=log) as served,
    ):

        def ask(ip, helo, sender, recipient):
            with Talk(served, ip=ip) as talk:
                talk.say(f"HELO {helo}")
                return talk.say(f"MAIL FROM:<{sender}>")[:9], talk.say(f"RCPT TO:<{recipient}>")

        assert ask(STRANGER, "good.test", "x@gone.test", "alice@one.test")[1].startswith("553 5.7.1")
        assert ask(STRANGER, "good.test", "x@broken.test", "alice@one.test")[0] == "451 4.3.0"
        assert ask(STRANGER, "gone.test", "x@one.test", "alice@one.test")[1].startswith("550 5.7.1")
        assert ask(STRANGER, "good.test", "x@good.test", "alice@one.test")[0] == "553 5.7.1"
        refused = ask(STRANGER, "good.test", "x@strict.test", "alice@one.test")[1]
        assert refused == f"550 5.7.1 {STRANGER} is not ours (#5.7.1)"
        assert ask(OTHER, "good.test", "x@one.test", "alice@one.test")[1].startswith(
            "451 4.7.1 you are listed"
        )
        assert ask("203.0.113.7", "good.test", "x@one.test", "alice@one.test")[1].startswith("250")
        assert (
            "203.0.113.8 is on a list" in ask("203.0.113.8", "good.test", "x@one.test", "alice@one.test")[1]
        )
        before = len(answers.asked)
        ask(STRANGER, "gone.test", "x@gone.test", "alice@one.test")
        assert len(answers.asked) == before  # kept
        control("relayclients", STRANGER)
        assert ask(STRANGER, "good.test", "x@one.test", "joe@gone.test")[1].startswith("550 5.1.2")
        assert ask(STRANGER, "good.test", "x@one.test", "joe@broken.test")[1].startswith("451 4.4.0")
        assert ask(STRANGER, "good.test", "x@one.test", "joe@good.test")[1].startswith("250")


# Mailboxes as they are


@pytest.mark.guide(
    "MAIL-CTL-167", "MAIL-CTL-168", "MAIL-CTL-170", "MAIL-CTL-171", "MAIL-CTL-003", "MAIL-CTL-163"
)
def test_catch_all_and_discarding_mailboxes(tree, log, control):
    control("userchk", 1)
    domain = tree.domain_dir("one.test")
    user = tree.find_user("bob@one.test")
    default = domain / ".qmail-default"
    usual = default.read_text()

    def ask(recipient):
        with Talk(served) as talk:
            return talk.send(recipient)

    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        assert ask("nobody@one.test")[1].startswith("550 5.1.1")
        default.write_text(usual.replace("bounce-no-mailbox", str(tree.find_user("alice@one.test").home)))
        assert default.read_text() != usual
        assert codes(ask("nobody@one.test")) == ["250", "250", "250"]
        until(lambda: messages_in(tree, "alice@one.test"))
        control("catchall", 0)
        assert ask("nobody@one.test")[1].startswith("550 5.1.1")
        (user.home / ".qmail").write_text("# delete\n")
        assert codes(ask("bob@one.test")) == ["250", "250", "250"]
        control("rejectdiscardedmail", 1)
        assert ask("bob@one.test")[1].startswith("550 5.2.1")
    assert messages_in(tree, "bob@one.test") == []


# Plugins


@pytest.mark.guide("MAIL-SPP-001", "MAIL-SPP-004", "MAIL-SPP-010", "MAIL-SPP-017", "MAIL-SPP-022")
def test_plugins_run_with_the_session_around_them(tree, log, control):
    plugin = tree.qmail.control / "plugins" / "judge"
    plugin.parent.mkdir(exist_ok=True)
    plugin.write_text(
        '#!/bin/sh\n[ "$SMTPRCPTTO" = bob@one.test ] && echo "E550 not for $SMTPMAILFROM (#5.7.9)"\n'
        '[ "$SMTPRCPTTO" = joe@far.test ] && echo O\n'
        '[ "$SMTPRCPTTO" = kill@one.test ] && kill -9 $$\nexit 0\n'
    )
    plugin.chmod(0o755)
    control("options", "qmailspp 1")
    control("smtpplugins", f"[rcpt]\n{plugin}\n:test $SMTPRCPTTO != shell@one.test || echo E554 by shell")
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        with Talk(served) as talk:
            said = talk.send(
                "alice@one.test", "bob@one.test", "joe@far.test", "shell@one.test", "kill@one.test"
            )
            assert [one[:9] for one in said[:6]] == [
                "250 2.1.0", "250 2.1.5", "550 5.7.9", "250 2.1.5", "554 by sh", "451 4.3.0",
            ]  # fmt: skip
        control("smtpplugins", "[rcpt]\n/nowhere/plugin")
        with Talk(served) as talk:
            assert talk.send("alice@one.test")[1].startswith("451 4.3.0")
        control("options", "qmailspp 0")
        with Talk(served) as talk:
            assert codes(talk.send("alice@one.test")) == ["250", "250", "250"]


# TLS


def make_certificate(path, name):
    key, cert = path.with_suffix(".key"), path.with_suffix(".crt")
    subprocess.run(
        ["/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", f"/CN={name}", "-days", "2", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(cert.read_text() + key.read_text())
    found = ssl.PEM_cert_to_DER_cert(cert.read_text())
    key.unlink()
    cert.unlink()
    return found


def client_context(least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version, context.maximum_version = least, most
    return context


def shown(served, name, **versions):
    """Certificate and version that a client gets who asks for `name`; None when nothing comes about."""
    with Talk(served) as talk:
        if not talk.say("STARTTLS").startswith("220"):
            return None
        try:
            with client_context(**versions).wrap_socket(talk.sock, server_hostname=name) as secure:
                return secure.getpeercert(binary_form=True), secure.version()
        except (ssl.SSLError, ConnectionResetError):
            return None


def test_certificates_by_name_and_a_broken_one_changes_nothing(tree, log):
    names = tree.qmail.control / "tls"
    names.mkdir()
    usual = make_certificate(tree.qmail.control / "servercert.pem", "mx.one.test")
    two = make_certificate(names / "mail.two.test.pem", "mail.two.test")
    wild = make_certificate(names / "*.three.test.pem", "*.three.test")
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        assert shown(served, "mx.one.test")[0] == usual
        assert shown(served, "mail.two.test")[0] == two
        assert shown(served, "MAIL.two.test")[0] == two
        assert shown(served, "any.three.test")[0] == wild
        assert shown(served, "else.test")[0] == usual
        four = make_certificate(names / "four.test.pem", "four.test")  # noticed without a restart
        assert shown(served, "four.test")[0] == four
        (tree.qmail.control / "servercert.pem").write_text("nonsense\n")
        (names / "mail.two.test.pem").write_text("nonsense\n")
        assert shown(served, "mx.one.test")[0] == usual
        assert shown(served, "mail.two.test")[0] == two
        until(lambda: "tls.bad_certificate" in log.read_text())
        new = make_certificate(tree.qmail.control / "servercert.pem", "mx.one.test")
        assert shown(served, "mx.one.test")[0] == new


@pytest.mark.guide("MAIL-TLS-003", "MAIL-TLS-007", "MAIL-TLS-008", "MAIL-TLS-009")
def test_mail_ssl_proto_sets_the_versions_and_restarts_without_closing_the_port(tree, log):
    new, old = {"least": ssl.TLSVersion.TLSv1_3}, {"most": ssl.TLSVersion.TLSv1_2}
    make_certificate(tree.qmail.control / "servercert.pem", "mx.one.test")

    def proto(*options):
        command = [
            sys.executable,
            "-m",
            "heliosphere.mta.programs.ssl_proto",
            "--root",
            str(tree.root),
            *options,
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        assert shown(served, "x", **new)[1] == "TLSv1.3"
        assert shown(served, "x", **old)[1] == "TLSv1.2"
        refused = proto("-t", "SSLv3,TLSv1")
        assert refused.returncode == 1
        assert shown(served, "x", **old) is not None
        before = set(served.children())
        ended = []

        def connect_on():
            while not ended:
                with socket.create_connection(("127.0.0.1", served.ports["smtp"]), timeout=20) as probe:
                    assert probe.recv(3) in (b"220", b"421")
            return True

        with ThreadPoolExecutor(1) as pool:
            connecting = pool.submit(connect_on)
            assert proto("-r", "-t", "TLSv1.3").returncode == 0
            until(lambda: len(set(served.children())) == 2 and not before & set(served.children()))
            until(lambda: log.read_text().count("program.started program=smtpd") == 2)
            ended.append(True)
            assert connecting.result(20)
        assert shown(served, "x", **old) is None
        assert shown(served, "x", **new)[1] == "TLSv1.3"
        assert proto("-t", "TLSv1.2").returncode == 0  # without -r: the next connection sees it all the same
        assert shown(served, "x", **new) is None
        assert shown(served, "x", **old)[1] == "TLSv1.2"


@pytest.mark.guide("MAIL-TLS-002")
def test_without_a_certificate_there_is_no_tls_and_then_there_is(tree, log):
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served:
        with smtplib.SMTP("127.0.0.1", served.ports["smtp"], timeout=20) as client:
            client.ehlo()
            assert not client.has_extn("starttls")
            assert client.docmd("STARTTLS")[0] == 454
        make_certificate(tree.qmail.control / "servercert.pem", "mx.one.test")
        with smtplib.SMTP("127.0.0.1", served.ports["smtp"], timeout=20) as client:
            client.ehlo()
            assert client.has_extn("starttls")


def test_an_unknown_tls_version_alone_means_no_tls(tree, log, control):
    make_certificate(tree.qmail.control / "servercert.pem", "mx.one.test")
    control("tlsprotocols", "SSLv3")
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served, Talk(served) as talk:
        assert "STARTTLS" not in ehlo(talk)
        assert talk.say("STARTTLS").startswith("454 5.7.3")


# Records


def test_each_transaction_is_on_record_with_what_decided(tree, log, control):
    control("badmailfrom", "# junk\n@junk.test")
    with engine(tree.root, "--workers", "1", names=("smtp",), log=log) as served, Talk(served) as talk:
        talk.send("alice@one.test")
        talk.send("alice@one.test", sender="x@junk.test")
        talk.say("QUIT")
    files = list((tree.root / "qmail" / "sessions").iterdir())
    records = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    assert [one["sender"] for one in records] == ["x@far.test", "x@junk.test"]
    assert records[0]["reply"].startswith("250")
    assert "is listed" in json.dumps(records[1]["trace"])
    assert any(line[5:7] == ["badmailfrom", 2] for line in records[1]["trace"])
