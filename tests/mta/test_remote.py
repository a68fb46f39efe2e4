"""Delivery to other hosts: over real connections to a host that answers as the test wants."""

import socket
import threading

import pytest
from dnslib import MX, QTYPE, RR, A
from dnslib.server import BaseResolver, DNSServer
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.network.dns_resolver import DnsResolver
from heliosphere.mta.adapters.network.smtp_caller import RemotePostman, RemoteSettings
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.delivery.outcomes import Verdict
from heliosphere.mta.rules.store.routing import AcceptTable, DomainTable, Route, parse_host_port, route_for
from heliosphere.mta.wire.smtp_client import AnswerReader, GarbledReply
from tests.mta.support import FakeHost, free_port

MESSAGE = b"Subject: hi\n\n.dot\nhello\n"


def postman(port, *, resolver=None, me="mx.one.test", fixed=True):
    routes = (f":127.0.0.1:{port}",) if fixed else ()
    settings = RemoteSettings(me, me, routes, 5, 5)
    return RemotePostman(resolver or DnsResolver(("127.0.0.1", 1)), lambda: settings, port)


async def deliver(sender, host, *recipients):
    return await sender.deliver("bob@one.test", host, list(recipients), MESSAGE)


async def test_a_message_goes_over_with_dots_and_line_ends_right():
    async with FakeHost() as host:
        (outcome,) = await deliver(postman(host.port), "far.test", "joe@far.test")
    assert outcome.verdict is Verdict.SUCCESS
    assert host.messages == [b"Subject: hi\r\n\r\n..dot\r\nhello\r\n.\r\n"]
    assert host.said[:4] == [
        "EHLO mx.one.test", "MAIL FROM:<bob@one.test>", "RCPT TO:<joe@far.test>", "DATA",
    ]  # fmt: skip


async def test_size_and_pipelining_are_used_when_offered():
    async with FakeHost(offers=("PIPELINING", "SIZE 1000", "8BITMIME")) as host:
        outcomes = await deliver(postman(host.port), "far.test", "a@far.test", "b@far.test")
    assert [one.verdict for one in outcomes] == [Verdict.SUCCESS] * 2
    assert host.said[1] == "MAIL FROM:<bob@one.test> SIZE=28"


async def test_letters_beyond_ascii_need_a_host_that_says_so():
    async with FakeHost(offers=("SMTPUTF8", "8BITMIME")) as host:
        (outcome,) = await deliver(postman(host.port), "far.test", "j\u00f6rg@far.test")
        assert outcome.verdict is Verdict.SUCCESS
        assert any(line.startswith("MAIL FROM:") and "SMTPUTF8" in line for line in host.said)
    async with FakeHost() as host:
        (outcome,) = await deliver(postman(host.port), "far.test", "j\u00f6rg@far.test")
        assert outcome.verdict is Verdict.FAILURE
        assert outcome.code == "5.6.7"
        assert not host.messages


async def test_a_host_that_takes_less_is_not_sent_the_message():
    async with FakeHost(offers=("SIZE 10",)) as host:
        (outcome,) = await deliver(postman(host.port), "far.test", "a@far.test")
    assert (outcome.verdict, host.messages) == (Verdict.FAILURE, [])


@pytest.mark.parametrize(
    ("answers", "verdicts"),
    [
        ({"RCPT TO:<a@": "550 no"}, [Verdict.FAILURE, Verdict.SUCCESS]),
        ({"RCPT TO:<a@": "451 later"}, [Verdict.DEFERRAL, Verdict.SUCCESS]),
        ({"RCPT": "550 no"}, [Verdict.FAILURE] * 2),
        ({"MAIL": "550 no"}, [Verdict.FAILURE] * 2),
        ({"MAIL": "452 later"}, [Verdict.DEFERRAL] * 2),
        ({"DATA": "554 no"}, [Verdict.FAILURE] * 2),
        ({"MESSAGE": "451 later"}, [Verdict.DEFERRAL] * 2),
        ({"MESSAGE": "554 spam"}, [Verdict.FAILURE] * 2),
        ({"MESSAGE": "HANG UP"}, [Verdict.DEFERRAL] * 2),
        ({"GREETING": "554 go away"}, [Verdict.DEFERRAL] * 2),
        ({"GREETING": "nonsense"}, [Verdict.DEFERRAL] * 2),
        ({"EHLO": "502 what"}, [Verdict.SUCCESS] * 2),
        ({"EHLO": "502 what", "HELO": "550 no"}, [Verdict.DEFERRAL] * 2),
    ],
)
@pytest.mark.parametrize("offers", [(), ("PIPELINING",)])
async def test_each_refusal_has_its_meaning(answers, verdicts, offers):
    async with FakeHost(answers, offers) as host:
        outcomes = await deliver(postman(host.port), "far.test", "a@far.test", "b@far.test")
    assert [one.verdict for one in outcomes] == verdicts


async def test_nobody_listening_is_a_deferral():
    (outcome,) = await deliver(postman(free_port()), "far.test", "a@far.test")
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRAL, "4.4.1")


class Zone(BaseResolver):
    RECORDS = {
        ("far.test.", "MX"): [MX("dead.far.test.", 5), MX("mx.far.test.", 10)],
        ("mx.far.test.", "A"): [A("127.0.0.1")],
        ("dead.far.test.", "A"): [],
        ("plain.test.", "A"): [A("127.0.0.1")],
        ("null.test.", "MX"): [MX(".", 0)],
        ("ours.test.", "MX"): [MX("mx.one.test.", 10), MX("mx.far.test.", 20)],
        ("lost.test.", "MX"): [MX("nowhere.far.test.", 10)],
    }

    def resolve(self, request, handler):
        reply, name, kind = request.reply(), str(request.q.qname), QTYPE[request.q.qtype]
        if name == "broken.test.":
            reply.header.rcode = 2
        elif not any(known == name for known, _ in self.RECORDS):
            reply.header.rcode = 3
        for record in self.RECORDS.get((name, kind), []):
            reply.add_answer(RR(name, getattr(QTYPE, kind), rdata=record, ttl=5))
        return reply


@pytest.fixture(scope="module")
def resolver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = DNSServer(Zone(), address="127.0.0.1", port=port)
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield ("127.0.0.1", port)
    server.server.shutdown()
    server.server.server_close()
    thread.join()


@pytest.mark.parametrize("domain", ["far.test", "plain.test", "[127.0.0.1]"])
async def test_exchangers_are_found_in_dns(resolver, domain):
    async with FakeHost() as host:
        sender = postman(host.port, resolver=DnsResolver(resolver), fixed=False)
        (outcome,) = await deliver(sender, domain, f"joe@{domain}")
    assert outcome.verdict is Verdict.SUCCESS
    assert len(host.messages) == 1


@pytest.mark.parametrize(
    ("domain", "verdict", "code"),
    [
        ("gone.test", Verdict.FAILURE, "5.1.2"),
        ("null.test", Verdict.FAILURE, "5.1.10"),
        ("ours.test", Verdict.FAILURE, "5.4.6"),
        ("lost.test", Verdict.FAILURE, "5.4.4"),
        ("broken.test", Verdict.DEFERRAL, "4.1.2"),
        ("[500.1.1.1]", Verdict.FAILURE, "5.1.2"),
        (f"{'a' * 70}.test", Verdict.FAILURE, "5.1.2"),
    ],
)
async def test_what_dns_says_decides(resolver, domain, verdict, code):
    sender = postman(free_port(), resolver=DnsResolver(resolver), fixed=False)
    (outcome,) = await deliver(sender, domain, f"joe@{domain}")
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_smtproutes():
    routes = ("far.test:relay.test:2525", ".far.test:[::1]:26", "normal.test:", ":gate.test")
    assert route_for("far.test", routes) == Route("relay.test", 2525)
    assert route_for("a.b.far.test", routes) == Route("::1", 26)
    assert route_for("normal.test", routes) is None
    assert route_for("other.test", routes) == Route("gate.test", 25)


@given(st.text())
def test_any_host_and_port_is_read_or_refused(text):
    parse_host_port(text, 25)


def test_local_virtual_and_remote_domains():
    table = DomainTable(
        ["mx.test"],
        ["one.test:one.test", ".sub.test:sub", "joe@two.test:joe", "not.sub.test:"],
        "me.test",
    )
    local = ["x@mx.test", "x@one.test", "x@a.sub.test", "joe@two.test"]
    remote = ["x@two.test", "x@sub.test", "x@not.sub.test", "x@me.test", "x@"]
    for text in local + remote:
        name, _, domain = text.partition("@")
        assert table.is_local(Address(name, domain)) == (text in local), text


def test_accepted_domains():
    table = AcceptTable(["one.test", ".sub.test"])
    assert [table.accepts(one) for one in ("one.test", "a.sub.test", "sub.test", "x.one.test", "")] == [
        True, True, False, False, False,
    ]  # fmt: skip


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_any_bytes_of_a_host_are_replies_or_garbage(chunks):
    reader = AnswerReader()
    try:
        for chunk in chunks:
            reader.feed(chunk)
    except GarbledReply:
        return


def test_a_reply_of_several_lines_cut_anywhere():
    data = b"250-one\r\n250-two\r\n250 three\r\n"
    for cut in range(len(data)):
        reader = AnswerReader()
        found = reader.feed(data[:cut]) + reader.feed(data[cut:])
        assert [(one.code, one.text) for one in found] == [(250, "one\ntwo\nthree")]
