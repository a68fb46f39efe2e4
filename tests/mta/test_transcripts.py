"""Conversations with the SMTP server, without a port.

A transcript's head names controls, mailboxes and logins; then `C:` is a line from the client (CRLF is
added), `R:` raw bytes as in a Python literal, `S:` the exact line expected, `TLS` a handshake, `END` the
end of the session.
"""

import ast
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.session import Client, Mailbox, RecipientFacts, SenderFacts, SmtpPolicy
from heliosphere.mta.wire.smtp_server import (
    Accept,
    LookUpRecipient,
    LookUpSender,
    SignIn,
    SignInFailed,
    SmtpServer,
    StartTls,
)

TRANSCRIPTS = sorted(Path(__file__).parent.glob("transcripts/*.txt"))


@dataclass
class World:
    """Answers the machine's questions from the head of a transcript."""

    mailboxes: dict[str, str] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    accepted: list[Accept] = field(default_factory=list)

    def answer(self, question):
        match question:
            case SignIn(name, password):
                return name if self.logins.get(name) == password else SignInFailed.WRONG
            case LookUpSender(sender, login):
                return SenderFacts(login.rpartition("@")[2] == sender.domain)
            case LookUpRecipient(recipient, size):
                return self._recipient(str(recipient).lower(), recipient.domain, size)
            case Accept():
                self.accepted.append(question)
                return replies.OK

    def _recipient(self, address, domain, size):
        domains = {one.rpartition("@")[2] for one in self.mailboxes}
        if domain not in domains:
            return RecipientFacts(False)
        state = self.mailboxes.get(address)
        if state is None:
            return RecipientFacts(True, Mailbox.ABSENT)
        return RecipientFacts(True, Mailbox.CLOSED if state == "closed" else Mailbox.FOUND, state == "full")


def controls_of(words):
    values = dict(word.split("=") for word in words)
    known = {name: int(value) for name, value in values.items()}
    return {name: bool(value) if name in ("smtpauth", "userchk", "uquotacheck") else value
            for name, value in known.items()}  # fmt: skip


def open_session(head):
    client = head.get("client", ["192.0.2.5"])
    policy = SmtpPolicy(
        "mx.one.test", "mx.one.test", has_certificate="certificate" in client,
        **controls_of(head.get("controls", [])),
    )  # fmt: skip
    world = World(
        {one.partition("=")[0]: one.partition("=")[2] for one in head.get("mailboxes", [])},
        dict(one.split("=") for one in head.get("logins", [])),
    )
    server = SmtpServer(
        Client(client[0], client[0] == "127.0.0.1", "submission" in client), policy, tls="tls" in client
    )
    server.greet()
    return server, world


def serve(server, world):
    while server.question is not None and not isinstance(server.question, StartTls):
        server.answer(world.answer(server.question))


def with_marks(path):
    """A head line `# guide: ID …` names the guide statements the transcript proves."""
    for line in path.read_text().splitlines():
        if line.startswith("# guide:"):
            return pytest.param(path, id=path.stem, marks=pytest.mark.guide(*line.partition(":")[2].split()))
    return pytest.param(path, id=path.stem)


@pytest.mark.parametrize("path", [with_marks(path) for path in TRANSCRIPTS])
def test_transcript(path):
    lines = [line for line in path.read_text().splitlines() if line]
    head = {line[2:].partition(":")[0]: line.partition(":")[2].split() for line in lines if line[0] == "#"}
    server, world = open_session(head)
    for number, line in enumerate(one for one in lines if one[0] != "#"):
        where = f"{path.name}, step {number}: {line}"
        if line.startswith("S:"):
            said, _, rest = bytes(server.output).partition(b"\r\n")
            assert "S: " + said.decode().rstrip() == line.rstrip(), where
            server.output[:] = rest
            continue
        assert not server.output, f"{where}: unexpected {bytes(server.output)!r}"
        if line == "TLS":
            assert isinstance(server.question, StartTls), where
            server.tls_started()
        elif line == "END":
            assert server.is_closing, where
        elif line.startswith("R: "):
            server.feed(ast.literal_eval("b'" + line[3:] + "'"))
        else:
            assert line.startswith("C:"), where
            server.feed(line[2:].removeprefix(" ").encode() + b"\r\n")
        serve(server, world)
    assert not server.output, f"{path.name}: more was said: {bytes(server.output)!r}"


def test_there_are_transcripts():
    assert len(TRANSCRIPTS) >= 20
