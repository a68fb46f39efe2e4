"""Conversations with the SMTP server, without a port.

The head of a transcript sets the scene, a line each:

  # client: ADDRESS [tls] [certificate] [submission] [own] [open-smtp]
  # controls: name=number …            controls that hold one number
  # NAME: entry | entry                a control that holds text or a list
  # tcp: NAME=value …                  variables of the client's line in tcp.smtp
  # mailboxes: user@domain[=full|closed|discards] …
  # aliases: alias-domain=domain …
  # logins: user@domain=password …
  # sign-in: unavailable | blocked     what becomes of every attempt
  # store: unreadable                  mailboxes cannot be looked up
  # zone: NAME KIND value; …           the DNS; the value FAILED: nobody answers
  # grey: deferred | known             what the greylist says of everything
  # spp-SECTION: line | line           what the plugins of a section print
  # antivirus: address[=action] …      who has the check; `@domain` for all there
  # antispam: address[=action] …
  # clamd: clean | NAME | away         what it says of every message
  # spamd: SCORE | away                the threshold is 5
  # scan: reply after DATA instead of 250
  # guide: ID …                        guide statements it proves

Then `C:` is a line from the client (CRLF is added), `R:` raw bytes as in a Python literal, `S:` the exact
line expected, `TLS` a handshake, `WAIT n` a pause of n seconds that the server takes before it goes on,
`END` the end of the session. Of what came out of it:

  L: text                     the next line of the log
  TOOK n                      that many messages were accepted so far
  GOT: sender > recipient …   the envelope of the last one
  TEXT: literal               its message as handed on, with LF line ends
  FIELD: text                 a header field put on top of it that begins so; NOFIELD: none does
  FATE: recipient FOLDER      where it goes for one recipient: inbox, removed or a folder
"""

import ast
import asyncio
import hashlib
import hmac
from dataclasses import dataclass, field

from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.controls.registry import Snapshot, read_value
from heliosphere.contracts.controls.smtpd import SMTPLOG
from heliosphere.mta.adapters.logs.session_watcher import SessionWatcher
from heliosphere.mta.controls.policy import CompiledControls
from heliosphere.mta.rules import replies
from heliosphere.mta.rules.checks.check import Gather, RunPlugins, Wait
from heliosphere.mta.rules.clients.greylisting import GreylistDecision, GreylistReason
from heliosphere.mta.rules.content.policy import SpamAction, SpamPolicy, VirusAction, VirusPolicy
from heliosphere.mta.rules.content.results import Clean, Infected, SpamScore
from heliosphere.mta.rules.content.results import Unavailable as NoVerdict
from heliosphere.mta.rules.dns_facts import FAILED, NO_DATA, NO_NAME, DnsAnswer, DnsStatus, answer_from
from heliosphere.mta.rules.facts import (
    GreylistedOf,
    Mailbox,
    RecipientFacts,
    RecipientOf,
    SenderFacts,
    SenderOf,
    Unavailable,
    asking_for,
)
from heliosphere.mta.rules.plugins.spp import PluginOutcome, fold, parse_output
from heliosphere.mta.rules.scram import keys_of
from heliosphere.mta.rules.session import EPOCH, Client
from heliosphere.mta.rules.store.routing import AcceptTable
from heliosphere.mta.services.check_message import MessageChecker, content_settings
from heliosphere.mta.services.find_facts import FactFinder
from heliosphere.mta.services.scan import Scanner
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
from tests.mta.support import Events

NONCE = "<1896.697170952@mail.example.test>"
SALT = b"salt"
STATES = {"closed": Mailbox.CLOSED, "discards": Mailbox.DISCARDS}
FAILURES = {"unavailable": SignInFailed.UNAVAILABLE, "blocked": SignInFailed.BLOCKED}


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

    async def ask(self, question):
        return self(question)


@dataclass
class Scanners:
    """clamd, spamd, and who wants them."""

    head: dict[str, str]

    async def scan(self, message):
        said = self.head.get("clamd", "clean")
        if said == "away":
            return NoVerdict("connection refused")
        return Clean() if said == "clean" else Infected(said)

    async def check(self, message, user=""):
        said = self.head.get("spamd", "0")
        if said == "away":
            return NoVerdict("connection refused")
        return SpamScore(float(said), 5.0, float(said) >= 5)

    def virus_policy(self, recipient):
        wish = self._wish("antivirus", recipient)
        return None if wish is None else VirusPolicy(VirusAction(wish or "reject"))

    def spam_policy(self, recipient):
        wish = self._wish("antispam", recipient)
        return None if wish is None else SpamPolicy(SpamAction(wish or "mark"))

    def _wish(self, name, recipient):
        wishes = pairs(self.head.get(name, ""))
        return wishes.get(str(recipient), wishes.get(f"@{recipient.domain}"))


@dataclass
class World:
    """Answers the machine's questions from the head of a transcript."""

    zone: Zone
    mailboxes: dict[str, str] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    head: dict[str, str] = field(default_factory=dict)
    controls: Snapshot | None = None
    accepted: list[Accept] = field(default_factory=list)
    checked: list[object] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def line(self, text):
        self.log.append(text.partition(" pid ")[2].partition(" ")[2])

    def note_listed(self, ip, reply):
        self.log.append(f"rblsmtpd: {ip}: {reply.code} {reply.text}")

    def answer(self, question):
        match question:
            case Gather(facts):
                return {fact: self.fact(fact) for fact in facts}
            case SignIn() | SignInByDigest() | SignInByProof():
                failure = FAILURES.get(self.head.get("sign-in", ""))
                return failure or self.sign_in(question)
            case FindKeys(name):
                return keys_of(name, self.logins.get(name, "?"), SALT, 4096)
            case RunPlugins(section, _):
                said = self.head.get(f"spp-{section.value}", "")
                lines = "\n".join(line.strip() for line in said.split(" | ")).encode()
                return fold(parse_output(lines, section)[0]) if said else PluginOutcome()
            case Accept():
                return self.accept(question)

    def sign_in(self, question):
        match question:
            case SignIn(name, password):
                is_right = self.logins.get(name) == password
            case SignInByDigest(name, challenge, digest):
                wanted = hmac.digest(self.logins.get(name, "?").encode(), challenge, hashlib.md5).hex()
                is_right = name in self.logins and wanted == digest
            case SignInByProof(name, _, is_proven):
                is_right = is_proven and name in self.logins
        return name if is_right else SignInFailed.WRONG

    def accept(self, question):
        if "scan" in self.head:
            return Accepted(replies.Reply(554, "5.3.2", self.head["scan"]))
        if self.controls is None:
            self.accepted.append(question)
            return Accepted(replies.OK)
        scanners = Scanners(self.head)
        events = Events()
        facts = FactFinder(None, self.zone, None, events)
        settings = content_settings(self.controls, Scanner(scanners, scanners, scanners, events))
        checked = asyncio.run(MessageChecker(facts, lambda: EPOCH).check(question, settings))
        if checked.finding is not None:
            return Accepted(checked.finding.reply, checked.finding)
        self.accepted.append(question)
        self.checked.append(checked)
        return Accepted(replies.OK)

    def fact(self, fact):
        asking = asking_for(fact)
        if asking is not None:
            return answer_from(self.zone, asking)
        if isinstance(fact, GreylistedOf):
            is_known = self.head.get("grey", "known") != "deferred"
            return GreylistDecision(is_known, GreylistReason.KNOWN, 0 if is_known else 300)
        if self.head.get("store") == "unreadable":
            return Unavailable("the store cannot be read")
        if isinstance(fact, SenderOf):
            mine, theirs = (fact.login or "").rpartition("@")[2], fact.sender.domain
            is_local = self.real(theirs) in self.domains or self.accepts(theirs)
            return SenderFacts(is_local, self.real(mine) == self.real(theirs))
        assert isinstance(fact, RecipientOf)
        return self.recipient(fact)

    def recipient(self, fact):
        domain = self.real(fact.recipient.domain) if fact.recipient.domain else self.main_domain
        accepted = not fact.recipient.domain or self.accepts(fact.recipient.domain)
        if domain not in self.domains:
            return RecipientFacts(accepted)
        state = self.mailboxes.get(f"{fact.recipient.local}@{domain}".lower())
        if state is None:
            return RecipientFacts(accepted, Mailbox.ABSENT)
        return RecipientFacts(accepted, STATES.get(state, Mailbox.FOUND), state == "full")

    @property
    def domains(self):
        return {one.rpartition("@")[2] for one in self.mailboxes}

    @property
    def main_domain(self):
        return next(iter(sorted(self.domains)), "")

    def real(self, domain):
        return pairs(self.head.get("aliases", "")).get(domain, domain)

    def accepts(self, domain):
        listed = self.head.get("rcpthosts")
        served = self.domains | set(pairs(self.head.get("aliases", "")))
        return AcceptTable(served if listed is None else listed.split(" | ")).accepts(domain)


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
    read = {}
    for name, text in values.items():
        control = REGISTRY.get(name)
        assert control is not None, f"{name} is no control"
        if control.default_of is None or text[:1].isdigit():
            read[name] = read_value(control, text)[0]
    return Snapshot(read, frozenset(read))


def pairs(text):
    return {one.partition("=")[0]: one.partition("=")[2] for one in text.split()}


class NoRecords:
    is_on = False


def open_session(head, traced=False):
    words = head.get("client", "192.0.2.5").split()
    controls = controls_of(head)
    compiled = CompiledControls(controls, has_certificate="certificate" in words)
    environment = pairs(head.get("tcp", ""))
    client = Client(
        words[0], words[0] == "127.0.0.1", "submission" in words, environment, "own" in words,
        "open-smtp" in words,
    )  # fmt: skip
    policy, tables = compiled.for_client(environment)
    world = World(
        Zone(head.get("zone", "")), pairs(head.get("mailboxes", "")), pairs(head.get("logins", "")), head,
        controls,
    )  # fmt: skip
    watcher = SessionWatcher(
        world, NoRecords(), lambda: EPOCH, str, level=controls[SMTPLOG], listed=world.note_listed
    )
    server = SmtpServer(
        client, policy, tls="tls" in words, tables=tables, nonce=lambda: NONCE, watcher=watcher, traced=traced
    )
    return server, world


def read_head(text):
    lines = [line for line in text.splitlines() if line.startswith("#")]
    return {line[2:].partition(":")[0]: line.partition(":")[2].strip() for line in lines}


def serve(server, world):
    while server.question is not None and not isinstance(server.question, StartTls | Wait):
        server.answer(world.answer(server.question))


def play(text, name, piece=0):
    """Run a transcript; an AssertionError names the step that went differently.

    `piece`: the client's bytes arrive in pieces of that size; 0 brings each step as a whole.
    """
    server, world = open_session(read_head(text))
    server.greet()
    serve(server, world)
    steps = [line for line in text.splitlines() if line and line[0] != "#"]
    for number, line in enumerate(steps):
        _step(server, world, line, f"{name}, step {number}: {line}", piece)
    assert not server.output, f"{name}: more was said: {bytes(server.output)!r}"
    return world


def _step(server, world, line, where, piece):
    if line.startswith("S:"):
        said, _, rest = bytes(server.output).partition(b"\r\n")
        assert "S: " + said.decode().rstrip() == line.rstrip(), where
        server.output[:] = rest
        return
    word, _, rest = line.partition(" ")
    if word in _RESULTS:
        _RESULTS[word](world, rest.strip(), where)
        return
    assert not server.output, f"{where}: unexpected {bytes(server.output)!r}"
    if line == "END":
        assert server.is_closing, where
        return
    if line == "TLS":
        assert isinstance(server.question, StartTls), where
        server.tls_started()
    elif line.startswith("WAIT "):
        assert server.question == Wait(int(line[5:])), where
        server.answer(None)
    elif line.startswith("R: "):
        assert not server.is_closing, f"{where}: the session is over"
        _feed(server, world, ast.literal_eval("b'" + line[3:] + "'"), piece)
    else:
        assert line.startswith("C:"), where
        assert not server.is_closing, f"{where}: the session is over"
        _feed(server, world, line[2:].removeprefix(" ").encode() + b"\r\n", piece)
    serve(server, world)


def _feed(server, world, data, piece):
    for start in range(0, len(data), piece or len(data)):
        server.feed(data[start : start + (piece or len(data))])
        serve(server, world)


def _log(world, text, where):
    assert world.log, f"{where}: nothing more was logged"
    assert world.log.pop(0).rstrip() == text, where


def _took(world, text, where):
    assert len(world.accepted) == int(text), where


def _got(world, text, where):
    last = world.accepted[-1]
    assert f"{last.sender} > {' '.join(map(str, last.recipients))}".strip() == text, where


def _text(world, text, where):
    assert world.checked[-1].message == ast.literal_eval("b'" + text + "'"), where


def _field(world, text, where):
    assert b"\n" + text.encode() in b"\n" + world.checked[-1].fields, where


def _no_field(world, text, where):
    assert b"\n" + text.encode() not in b"\n" + world.checked[-1].fields, where


def _fate(world, text, where):
    recipient, folder = text.split()
    checked = world.checked[-1]
    found = {
        str(one): variant.folder or "inbox" for variant in checked.variants for one in variant.recipients
    }
    found.update({str(one): "removed" for one in checked.dropped})
    assert found.get(recipient) == folder, where


_RESULTS = {
    "L:": _log, "TOOK": _took, "GOT:": _got, "TEXT:": _text, "FIELD:": _field, "NOFIELD:": _no_field,
    "FATE:": _fate,
}  # fmt: skip
