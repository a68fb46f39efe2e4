"""The DNS as checks see it: kept answers, one question for many askers, trouble as an answer."""

import asyncio

import pytest
from dnslib import MX, QTYPE, RR, TXT, A
from dnslib.server import BaseResolver, DNSServer

from heliosphere.mta.adapters.network.dns_cache import CachedDns
from heliosphere.mta.rules.dns_facts import DnsQuestion, DnsStatus

LONG = "x" * 250


class Records(BaseResolver):
    """Answers from a table and counts questions; names under `bad.` fail."""

    def __init__(self):
        self.asked = []

    def resolve(self, request, handler):
        name, kind = str(request.q.qname).rstrip(".").lower(), QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        reply = request.reply()
        if name.endswith("bad.test"):
            reply.header.rcode = 2
        elif name == "far.test" and kind == "MX":
            reply.add_answer(RR(name, QTYPE.MX, rdata=MX("mx.far.test", 10), ttl=60))
        elif name == "far.test" and kind == "A":
            reply.add_answer(RR(name, QTYPE.A, rdata=A("192.0.2.9"), ttl=0))
        elif name == "big.test" and kind == "TXT":
            for number in range(12):
                reply.add_answer(RR(name, QTYPE.TXT, rdata=TXT([f"{number}", LONG, LONG]), ttl=60))
        elif name not in ("far.test", "big.test"):
            reply.header.rcode = 3
        return reply


@pytest.fixture
def server():
    records = Records()
    udp = DNSServer(records, port=0, address="127.0.0.1")
    port = udp.server.server_address[1]
    tcp = DNSServer(records, port=port, address="127.0.0.1", tcp=True)
    udp.start_thread()
    tcp.start_thread()
    yield records, port
    for one in (udp, tcp):
        one.stop()
        one.server.server_close()


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def dns(server, time):
    return CachedDns(time, ("127.0.0.1", server[1]))


async def test_kinds_of_answers(dns):
    found = await dns.ask(DnsQuestion("far.test", "MX"))
    assert (found.status, found.values) == (DnsStatus.FOUND, ("10 mx.far.test",))
    assert (await dns.ask(DnsQuestion("far.test", "AAAA"))).status is DnsStatus.NO_DATA
    assert (await dns.ask(DnsQuestion("none.test", "A"))).status is DnsStatus.NO_NAME
    assert (await dns.ask(DnsQuestion("x.bad.test", "A"))).status is DnsStatus.FAILED
    assert (await dns.ask(DnsQuestion("a" * 70 + ".test", "A"))).status is DnsStatus.NO_NAME


async def test_an_answer_is_kept_for_its_time(dns, server, time):
    question = DnsQuestion("far.test", "MX")
    assert dns.known(question) is None
    await dns.ask(question)
    assert dns.known(question).values == ("10 mx.far.test",)
    await dns.ask(question)
    assert server[0].asked.count(("far.test", "MX")) == 1
    time.now += 61
    assert dns.known(question) is None


async def test_the_same_question_asked_by_many_goes_out_once(dns, server):
    question = DnsQuestion("far.test", "MX")
    answers = await asyncio.gather(*(dns.ask(question) for _ in range(20)))
    assert {one.values for one in answers} == {("10 mx.far.test",)}
    assert server[0].asked.count(("far.test", "MX")) == 1


@pytest.mark.guide("MAIL-CTL-002", "MAIL-CTL-014")
async def test_an_answer_larger_than_a_datagram_comes_whole(dns):
    found = await dns.ask(DnsQuestion("big.test", "TXT"))
    assert len(found.values) == 12
    assert all(one.endswith(LONG + LONG) for one in found.values)


async def test_a_client_that_gives_up_does_not_spoil_it_for_others(dns):
    question = DnsQuestion("far.test", "MX")
    impatient = asyncio.ensure_future(dns.ask(question))
    await asyncio.sleep(0)
    patient = asyncio.ensure_future(dns.ask(question))
    impatient.cancel()
    assert (await patient).values == ("10 mx.far.test",)
