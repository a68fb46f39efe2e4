"""Random worlds of SPF records: a client, a sender and a zone that answers for them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from random import Random

from heliosphere.mta.rules.dns_facts import FAILED, NO_DATA, NO_NAME, DnsAnswer, DnsQuestion, DnsStatus

HOSTS = tuple(
    f"{name}.test" for name in ("one", "two", "three", "four", "five", "mail.one", "mx.two", "a.b.one")
)
ABSENT = ("gone.test", "nobody.one.test")
CLIENTS = ("192.0.2.1", "192.0.2.77", "198.51.100.9", "2001:db8::1", "2001:db8:7::25", "::ffff:192.0.2.1")
NETWORKS4 = ("192.0.2.1", "192.0.2.0/24", "192.0.2.64/26", "198.51.100.9/32", "0.0.0.0/0", "203.0.113.1/8")
NETWORKS6 = ("2001:db8::1", "2001:db8::/32", "2001:db8:7::/48", "::/0", "2001:db8::1/128", "::ffff:192.0.2.1")
ADDRESSES4 = ("192.0.2.1", "192.0.2.77", "192.0.2.200", "198.51.100.9", "203.0.113.5")
ADDRESSES6 = ("2001:db8::1", "2001:db8:7::25", "2001:db8:ffff::1")
LENGTHS = ("", "", "", "/24", "/32", "//64", "/24//48", "/0", "//0", "/8//128")
MACROS = (
    "%{d}",
    "%{d1}.test",
    "%{o}",
    "%{s}.test",
    "%{l}.%{d}",
    "%{lr-}.one.test",
    "%{ir}.%{v}.one.test",
    "%{h}",
    "%{p}",
    "%{d2r}.test",
    "%{i}.test",
    "%{L}.%{o2}",
    "mail%%.one.test",
    "%{o1r}.%{d}",
    "%{s2=}.test",
)
BROKEN = (
    "all:one.test",
    "a:",
    "a/33",
    "mx//129",
    "ip4:192.0.2",
    "ip4:192.0.2.1/33",
    "ip6:zz",
    "moo",
    "include",
    "exists",
    "redirect=",
    "a:one",
    "a:one.test/",
    "include:one.test/24",
    "a:%{x}",
    "a:%{d0}",
    "ptr/24",
    "a:%one.test",
    "ip4=192.0.2.1",
    "*all",
    "unknown=%{z}",
    "a:192.0.2.1",
    "exp=one",
    "all/8",
    "ip6:2001:db8::1/129",
    "ip4:192.0.2.01",
    "ip4:192.0.2.1//24",
    "redirect=one.test redirect=two.test",
)
SENDERS = ("carl@one.test", "jo-ann.x@two.test", "@three.test", "four.test", "", "a+b@five.test",
           "carl@a.b.one.test", "Carl=Q@One.Test", "x@mail.one.test", "x.y.z@mx.two.test")  # fmt: skip
ODD_SENDERS = ("x@one..test", "x@[192.0.2.1]", "x@one", "x@gone.test")
HELOS = ("mail.one.test", "mx.two.test", "five.test", "one.test")


@dataclass(frozen=True)
class World:
    """`zone` maps (name, kind) to values; a question in `failing` is not answered."""

    client: str
    sender: str
    helo: str
    zone: dict[tuple[str, str], tuple[str, ...]]
    failing: frozenset[tuple[str, str]]

    def answer(self, question: DnsQuestion) -> DnsAnswer:
        key = question.name, question.kind
        if key in self.failing:
            return FAILED
        if key in self.zone:
            return DnsAnswer(DnsStatus.FOUND, self.zone[key])
        return NO_DATA if any(name == question.name for name, _ in self.zone) else NO_NAME


def random_world(random: Random) -> World:
    client = random.choice(CLIENTS)
    zone = dict(_host_records(random)) | dict(_pointer(random, client))
    texts = [key for key in zone if random.random() < 0.03]
    sender = random.choice(SENDERS if random.random() < 0.96 else ODD_SENDERS)
    return World(client, sender, random.choice(HELOS), zone, frozenset(texts))


def _host_records(random: Random):
    for host in HOSTS:
        if random.random() < 0.7:
            yield (host, "A"), _some(random, ADDRESSES4, 3)
        if random.random() < 0.5:
            yield (host, "AAAA"), _some(random, ADDRESSES6, 2)
        if random.random() < 0.5:
            count = 11 if random.random() < 0.05 else random.randint(1, 3)
            names = [random.choice(HOSTS + ABSENT) for _ in range(count)]
            yield (host, "MX"), tuple(f"{number} {name}" for number, name in enumerate(dict.fromkeys(names)))
        if random.random() < 0.85:
            yield (host, "TXT"), _texts(random)
    yield ("exp.one.test", "TXT"), ("not from %{i}",)


def _some(random: Random, values: tuple[str, ...], most: int) -> tuple[str, ...]:
    return tuple(random.sample(values, random.randint(1, min(most, len(values)))))


def _pointer(random: Random, client: str):
    address = ipaddress.ip_address(client)
    plain = getattr(address, "ipv4_mapped", None) or address
    if random.random() < 0.7:
        yield (plain.reverse_pointer, "PTR"), _some(random, HOSTS + ABSENT, 4)


def _texts(random: Random) -> tuple[str, ...]:
    chance = random.random()
    if chance < 0.05:
        return ("some other text",)
    if chance < 0.08:
        return (random_record(random), random_record(random))
    if chance < 0.11:
        return ("v=spf10 -all", "V=SPF1 " + " ".join(_terms(random)))
    return ("verification=1234", random_record(random)) if chance < 0.2 else (random_record(random),)


def random_record(random: Random) -> str:
    terms = _terms(random)
    if random.random() < 0.07:
        terms.insert(random.randint(0, len(terms)), random.choice(BROKEN))
    separator = "  " if random.random() < 0.05 else " "
    return "v=spf1 " + separator.join(terms) + ("  " if random.random() < 0.05 else "")


def _terms(random: Random) -> list[str]:
    terms = [_term(random) for _ in range(random.choice((0, 1, 1, 2, 2, 3, 3, 4, 6, 12)))]
    if random.random() < 0.7:
        terms.append(random.choice("-~?+") + "all")
    if random.random() < 0.3:
        terms.insert(random.randint(0, len(terms)), f"redirect={_target(random)}")
    if random.random() < 0.2:
        terms.append(random.choice(("exp=exp.one.test", "exp=%{d}", "other=thing", "x.y-z_1=%{d}")))
    return terms


def _term(random: Random) -> str:
    qualifier = random.choice(("", "", "", "-", "~", "?", "+"))
    kind = random.choice(("a", "mx", "ip4", "ip6", "include", "exists", "ptr", "A", "Mx", "ip4", "include"))
    lower = kind.lower()
    if lower in ("ip4", "ip6"):
        return f"{qualifier}{kind}:{random.choice(NETWORKS4 if lower == 'ip4' else NETWORKS6)}"
    if lower in ("include", "exists"):
        return f"{qualifier}{kind}:{_target(random)}"
    target = f":{_target(random)}" if random.random() < 0.6 else ""
    return f"{qualifier}{kind}{target}{random.choice(LENGTHS) if lower != 'ptr' else ''}"


def _target(random: Random) -> str:
    if random.random() < 0.2:
        return random.choice(MACROS)
    name = random.choice(
        HOSTS + ABSENT if random.random() < 0.9 else ("ONE.test.", "mail.One.Test", "exp.one.test")
    )
    return name
