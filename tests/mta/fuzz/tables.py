"""What operators write: controls, lists of patterns, rules for clients, plugins, compiled tables."""

from __future__ import annotations

from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.controls.registry import (
    Snapshot,
    read_entries,
    read_options,
    read_value,
    set_option,
)
from heliosphere.mta.adapters.files.cdb_files import Cdb, cdb_bytes
from heliosphere.mta.controls.policy import CompiledControls
from heliosphere.mta.rules.clients.block_lists import judge_answers, parse_zones
from heliosphere.mta.rules.clients.tcp_rules import errors_in, find_rule, parse_rules, rule_records
from heliosphere.mta.rules.dns_facts import FAILED, NO_NAME, DnsAnswer, DnsStatus
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.patterns import GreetingList, PatternList, RelayList, matches
from heliosphere.mta.rules.plugins.spp import Section, fold, parse_output, parse_plugins

CONTROL_WORDS = (
    *(control.name.encode() for control in REGISTRY), b" ", b"=", b":", b"\n", b"0", b"1",
    b"99999999999999999999", b"-",
    b"#", b"@", b"!", b"*", b"[", b"]", b"\\", b"a.test", b"192.0.2.0/24", b"v=spf1", b"%{i}", b"\xff",
    b"\0", b"\t",
)  # fmt: skip
PATTERN_WORDS = (
    b"*",
    b"?",
    b"[",
    b"]",
    b"^",
    b"-",
    b"!",
    b"\\",
    b"\n",
    b"a",
    b"bulk",
    b"@",
    b".test",
    b"A-Z",
    b"\xfc",
)
TCP_WORDS = (
    b"192.0.2.", b"192.0.2.1-9", b"=.far.test", b"=", b":", b"allow", b"deny", b",", b'RELAYCLIENT=""',
    b"NAME=/x/",
    b"2001:db8:", b"2001:db8::1", b"me@192.0.2.1", b"\n", b"#", b"-", b'"', b"\0", b"\xff", b" ",
)  # fmt: skip
ZONE_WORDS = (
    b"list.test", b"a:", b":", b"%IP%", b"%", b"blocked see ", b"\\", b'"', b"|", b" ", b"\n", b"-",
    b"127.0.0.2", b"t:",
)  # fmt: skip
PLUGIN_WORDS = (
    b"[connection]", b"[helo]", b"[auth]", b"[mail]", b"[rcpt]", b"[data]", b"plugins/x", b":", b"\n",
    b"A", b"N", b"D",
    b"E550 no (#5.7.1)", b"R421", b"LM", b"LR550 5.1.1 no", b"SNAME=", b"UNAME", b"HX-Y: z",
    b"Cx@y.test", b"Pnote",
    b"-", b"/", b" ", b"\0", b"\xff", b"\r",
)  # fmt: skip
CDB_WORDS = (
    b"key\n",
    b"value\n",
    b"\0\0\0\0",
    b"\xff\xff\xff\x7f",
    b"\0\x08\0\0",
    b"\1\0\0\0",
    b"one.test\n",
)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def try_controls(data: bytes) -> None:
    """A file of any content, under any name, leaves a value of the right kind and a server that starts."""
    text = _text(data)
    values = {}
    for control in REGISTRY:
        value, problems = read_value(control, text)
        kinds = {"flag": bool, "number": int, "text": (str, type(None)), "lines": tuple}
        assert isinstance(value, kinds[control.kind]), control.name
        for one in problems:
            assert str(one)
        values[control.name] = value
    values["me"] = "mx.one.test"
    CompiledControls(Snapshot(values, frozenset(values)), has_certificate=False)
    options = read_options(text)
    for name, value in options.items():
        if name:
            assert read_options(set_option(text, name, None)).get(name) is None
            assert set_option(text, name, value).endswith("\n")


def try_patterns(data: bytes) -> None:
    """The first line is what is looked up in the others. The index finds what trying each pattern finds."""
    first, _, rest = _text(data).partition("\n")
    entries = read_entries(rest)
    decided = None
    for entry in entries:
        if matches(entry.removeprefix("!"), first) and entry.startswith("!"):
            decided = None
        elif not entry.startswith("!") and any(char in "*?[\\" for char in entry) and matches(entry, first):
            decided = entry
    found = PatternList(entries).find(first)
    is_exact = found is not None and not any(char in "*?[\\" for char in found)
    assert is_exact or found == (decided if first else None), (first, entries)
    GreetingList(entries).find(first, "mail.far.test")
    for are_hosts in (True, False):
        RelayList(entries, are_hosts=are_hosts).find(first)


def try_tcp_rules(data: bytes) -> None:
    """Compiled, every rule is found again by each of its keys, and by clients as by looking through all."""
    rules, problems = parse_rules(_text(data))
    for one in problems:
        assert str(one)
    if errors_in(problems):
        return
    records = list(rule_records(rules))
    table = Cdb(cdb_bytes(records))
    first: dict[bytes, bytes] = {}
    for key, value in records:
        first.setdefault(key, value)
    for key, value in first.items():
        assert table.get(key) == value
    for ip in ("192.0.2.1", "2001:db8::1"):
        assert find_rule(table.get, ip, "a.far.test", "me") == find_rule(first.get, ip, "a.far.test", "me")


def try_block_lists(data: bytes) -> None:
    """Lists can be asked for whatever their lines say, and every refusal is one line of ASCII."""
    zones, problems = parse_zones(_text(data).split("\n"))
    for one in problems:
        assert str(one)
    hit = DnsAnswer(DnsStatus.FOUND, (_text(data)[:600], "127.0.0.2"))
    for answer in (hit, NO_NAME, FAILED):
        answers = (answer,) * len(zones)
        for zone in zones:
            assert zone.question("192.0.2.5").name
            assert zone.question("2001:db8::5").name
        for fail_closed in (False, True):
            verdict = judge_answers("192.0.2.5", zones, answers, fail_closed=fail_closed, bounce=True)
            reply = verdict.reply()
            if reply is not None:
                assert all(" " <= char <= "~" for line in reply.lines() for char in line), reply


def try_plugins(data: bytes) -> None:
    """smtpplugins, and what plugins print: refusals are replies, headers are one line."""
    parse_plugins(_text(data).split("\n"))
    for section in Section:
        actions, problems = parse_output(data, section)
        for one in problems:
            assert str(one)
        outcome = fold(actions)
        for reply in (outcome.reply, *outcome.later.values()):
            if reply is not None:
                assert 400 <= reply.code < 600
                assert all(" " <= char <= "~" for line in reply.lines() for char in line)
        assert not any("\n" in header or "\r" in header for header in outcome.headers)


def try_cdb(data: bytes) -> None:
    """A damaged table says so. One that was written gives back the first value of each key."""
    for header in (b"", b"\0\x08\0\0\1\0\0\0" * 256):
        try:
            table = Cdb(header + data)
            table.get(b"key")
            table.get(data[:10])
        except TryLater:
            continue
    words = data.split(b"\n")
    records = list(zip(words[::2], words[1::2], strict=False))
    table, first = Cdb(cdb_bytes(records)), dict(reversed(records))
    assert all(table.get(key) == value for key, value in first.items())
