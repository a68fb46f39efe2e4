"""Conversations with the SMTP server, without a port.

The head of a transcript sets the scene, a line each:

  # client: ADDRESS [tls] [certificate] [submission] [own] [open-smtp]
  # controls: name=number …            controls that hold one number
  # NAME: entry | entry                a control that holds text or a list
  # tcp: NAME=value …                  variables of the client's line in tcp.smtp
  # mailboxes: user@domain[=full|closed|discards] …
  # logins: user@domain=password …
  # zone: NAME KIND value; …           the DNS; the value FAILED: nobody answers
  # grey: deferred | known             what the greylist says of everything
  # scan: reply after DATA instead of 250
  # guide: ID …                        guide statements it proves

Then `C:` is a line from the client (CRLF is added), `R:` raw bytes as in a Python literal, `S:` the exact
line expected, `TLS` a handshake, `WAIT n` a pause of n seconds that the server takes before it goes on,
`END` the end of the session.
"""

import ast
import hashlib
import hmac
from dataclasses import dataclass, field

from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.controls.registry import Snapshot, read_value
from heliosphere.mta.controls.policy import CompiledControls
from heliosphere.mta.rules import replies
from heliosphere.mta.rules.checks.check import Gather, RunPlugins, Wait
from heliosphere.mta.rules.dns_facts import FAILED, NO_DATA, NO_NAME, DnsAnswer, DnsStatus, answer_from
from heliosphere.mta.rules.facts import (
    GreylistedOf,
    Mailbox,
    RecipientFacts,
    RecipientOf,
    SenderFacts,
    SenderOf,
    asking_for,
)
from heliosphere.mta.rules.greylisting import GreylistDecision, GreylistReason
from heliosphere.mta.rules.scram import keys_of
from heliosphere.mta.rules.session import Client
from heliosphere.mta.rules.spp import PluginOutcome, fold, parse_output
from heliosphere.mta.wire.smtp_questions import (
    Accept,
    Accepted,
    FindKeys,
    SignIn,
    SignInByDigest,
    SignInByProof,
    SignInFailed,
    StartTls,
)
from heliosphere.mta.wire.smtp_server import SmtpServer

NONCE = "<1896.697170952@mail.example.test>"
STATES = {"closed": Mailbox.CLOSED, "discards": Mailbox.DISCARDS}


class Zone:
    """The DNS as written in a head."""

    def __init__(self, text=""):
        self.records = {}
        for record in text.split(";"):
            words = record.split(None, 2)
            if words:
                self.records.setdefault((words[0].lower(), words[1].upper()), []).append(words[2].strip('"'))

    def __call__(self, question):
        found = self.records.get((question.name, question.kind))
        if (question.name, "*") in self.records or found == ["FAILED"]:
            return FAILED
        if found is not None:
            return DnsAnswer(DnsStatus.FOUND, tuple(found), 300)
        known = any(name == question.name for name, _ in self.records)
        return NO_DATA if known else NO_NAME


@dataclass
class World:
    """Answers the machine's questions from the head of a transcript."""

    zone: Zone
    mailboxes: dict[str, str] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    grey: str = "known"
    plugins: dict[str, str] = field(default_factory=dict)
    scan: str = ""
    accepted: list[Accept] = field(default_factory=list)

    def answer(self, question):
        match question:
            case Gather(facts):
                return {fact: self.fact(fact) for fact in facts}
            case SignIn(name, password):
                return name if self.logins.get(name) == password else SignInFailed.WRONG
            case SignInByDigest(name, challenge, digest):
                wanted = hmac.digest(self.logins.get(name, "?").encode(), challenge, hashlib.md5).hex()
                return name if name in self.logins and wanted == digest else SignInFailed.WRONG
            case FindKeys(name):
                return keys_of(name, self.logins.get(name, "?"), b"salt", 4096)
            case SignInByProof(name, _, is_right):
                return name if is_right and name in self.logins else SignInFailed.WRONG
            case RunPlugins(section, _):
                said = self.plugins.get(section.value, "").replace("|", "\n").encode()
                return fold(parse_output(said, section)[0]) if said else PluginOutcome()
            case Accept():
                self.accepted.append(question)
                return Accepted(replies.Reply(554, "5.3.2", self.scan) if self.scan else replies.OK)

    def fact(self, fact):
        asking = asking_for(fact)
        if asking is not None:
            return answer_from(self.zone, asking)
        domains = {one.rpartition("@")[2] for one in self.mailboxes}
        if isinstance(fact, SenderOf):
            same = fact.login is not None and fact.login.rpartition("@")[2] == fact.sender.domain
            return SenderFacts(fact.sender.domain in domains, same)
        if isinstance(fact, GreylistedOf):
            is_known = self.grey != "deferred"
            return GreylistDecision(is_known, GreylistReason.KNOWN, 0 if is_known else 300)
        assert isinstance(fact, RecipientOf)
        domain = fact.recipient.domain or next(iter(domains), "")
        if domain not in domains:
            return RecipientFacts(not fact.recipient.domain)
        state = self.mailboxes.get(f"{fact.recipient.local}@{domain}".lower())
        if state is None:
            return RecipientFacts(True, Mailbox.ABSENT)
        return RecipientFacts(True, STATES.get(state, Mailbox.FOUND), state == "full")


def controls_of(head):
    """The snapshot that control files with these contents would give."""
    values = {"me": "mx.one.test"}
    for word in head.get("controls", "").split():
        name, _, value = word.partition("=")
        values[name] = value
    for name, text in head.items():
        control = REGISTRY.get(name)
        if control is not None:
            entries = text.split(" | ") if control.kind == "lines" else [text]
            values[name] = "\n".join(entry.strip() for entry in entries)
    read = {name: read_value(REGISTRY.get(name), text)[0] for name, text in values.items()}
    return Snapshot(read, frozenset(read))


def pairs(text):
    return {one.partition("=")[0]: one.partition("=")[2] for one in text.split()}


def open_session(head, traced=False):
    words = head.get("client", "192.0.2.5").split()
    compiled = CompiledControls(controls_of(head), has_certificate="certificate" in words)
    environment = pairs(head.get("tcp", ""))
    client = Client(
        words[0], words[0] == "127.0.0.1", "submission" in words, environment, "own" in words,
        "open-smtp" in words,
    )  # fmt: skip
    policy, tables = compiled.for_client(environment)
    plugins = {key[4:]: text for key, text in head.items() if key.startswith("spp-")}
    world = World(
        Zone(head.get("zone", "")), pairs(head.get("mailboxes", "")), pairs(head.get("logins", "")),
        head.get("grey", "known"), plugins, head.get("scan", ""),
    )  # fmt: skip
    server = SmtpServer(
        client, policy, tls="tls" in words, tables=tables, nonce=lambda: NONCE, traced=traced
    )
    return server, world


def read_head(text):
    lines = [line for line in text.splitlines() if line.startswith("#")]
    return {line[2:].partition(":")[0]: line.partition(":")[2].strip() for line in lines}


def serve(server, world):
    while server.question is not None and not isinstance(server.question, StartTls | Wait):
        server.answer(world.answer(server.question))


def play(text, name):
    """Run a transcript; an AssertionError names the step that went differently."""
    server, world = open_session(read_head(text))
    server.greet()
    serve(server, world)
    steps = [line for line in text.splitlines() if line and line[0] != "#"]
    for number, line in enumerate(steps):
        _step(server, world, line, f"{name}, step {number}: {line}")
    assert not server.output, f"{name}: more was said: {bytes(server.output)!r}"
    return world


def _step(server, world, line, where):
    if line.startswith("S:"):
        said, _, rest = bytes(server.output).partition(b"\r\n")
        assert "S: " + said.decode().rstrip() == line.rstrip(), where
        server.output[:] = rest
        return
    assert not server.output, f"{where}: unexpected {bytes(server.output)!r}"
    if line == "TLS":
        assert isinstance(server.question, StartTls), where
        server.tls_started()
    elif line == "END":
        assert server.is_closing, where
        return
    elif line.startswith("WAIT "):
        assert server.question == Wait(int(line[5:])), where
        server.answer(None)
    elif line.startswith("R: "):
        assert not server.is_closing, f"{where}: the session is over"
        server.feed(ast.literal_eval("b'" + line[3:] + "'"))
    else:
        assert line.startswith("C:"), where
        assert not server.is_closing, f"{where}: the session is over"
        server.feed(line[2:].removeprefix(" ").encode() + b"\r\n")
    serve(server, world)
