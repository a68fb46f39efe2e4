"""The heart of the SMTP server: bytes in and out, questions, and the tables of checks.

`feed()` takes bytes, `output` fills with bytes to send. When the machine needs to know something it sets
`question` and goes on only after `answer()`; so looking things up may take as long as it must, and a
client that pipelines still gets its answers in order. The verbs stand in smtp_data, smtp_envelope and
smtp_server, each on top of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.checks.check import Judging, Table, run
from heliosphere.mta.rules.checks.order import Tables
from heliosphere.mta.rules.dns_facts import ClientName
from heliosphere.mta.rules.facts import Fact
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Client, Relay, Session, SmtpPolicy
from heliosphere.mta.wire import smtp_sign_in
from heliosphere.mta.wire.smtp_lines import (
    MAX_AUTH_LINE,
    MAX_COMMAND,
    BareLineFeed,
    LineReader,
    LineTooLong,
    MessageReader,
)
from heliosphere.mta.wire.smtp_questions import Question

Dialogue = Generator[Any, object, None]
"""A verb that needs more than one moment: it yields questions and is sent their answers."""


class Watcher:
    """Hears what happens in a session; here: nobody listens."""

    __slots__ = ()

    def command(self, session: Session, line: str) -> None:
        """A command line came in, without credentials."""

    def said(self, session: Session, line: str) -> None:
        """A reply went out."""

    def found(self, session: Session, verb: str, finding: Finding, about: str) -> None:
        """A check refused, or had a remark."""

    def remarked(self, session: Session, finding: Finding) -> None:
        """A check let the client pass and said why."""

    def signed_in(self, session: Session, method: str) -> None:
        """AUTH succeeded."""

    def encrypted(self, session: Session, cipher: str) -> None:
        """STARTTLS succeeded."""

    def recipient_accepted(self, session: Session, recipient: Address) -> None:
        """RCPT was answered with 250."""

    def recipient_refused(self, session: Session, recipient: Address, finding: Finding) -> None:
        """RCPT was refused."""

    def message_ended(self, session: Session, reply: Reply, finding: Finding | None) -> None:
        """A transaction is over; `reply` is the last answer it got. The session still knows it."""


class SmtpCore:
    """One session. `nonce()` gives a text that was never used before, for challenges."""

    __slots__ = (
        "_auth_line", "_data", "_last_reply", "_lines", "_nonce", "_running", "_tables", "is_closing",
        "output", "question", "session", "watcher",
    )  # fmt: skip

    def __init__(
        self, client: Client, policy: SmtpPolicy, *, tls: bool = False, watcher: Watcher | None = None,
        nonce: Callable[[], str] = lambda: "<nonce>", tables: Tables | None = None, traced: bool = False,
    ) -> None:  # fmt: skip
        self.session = Session(client, policy, tls=tls, trace=[] if traced else None)
        self.output = bytearray()
        self.question: Question | None = None
        self.is_closing = False
        self._lines = LineReader(takes_bare_lf=policy.newline)
        self._data: MessageReader | None = None
        self._auth_line = False
        self._running: Dialogue | None = None
        self.watcher = watcher or Watcher()
        self._nonce = nonce
        self._tables = tables or Tables(policy)
        self._last_reply: tuple[Reply, Finding | None] | None = None

    # Outside

    def feed(self, data: bytes) -> None:
        if not self.is_closing:
            self._lines.buffer += data
            self._advance()

    def answer(self, value: object) -> None:
        """Give what `question` asked for."""
        self.question = None
        self._resume(value)
        self._advance()

    def tls_started(self) -> None:
        """Begin anew on the encrypted line. Whatever came before it in clear text is forgotten."""
        self.question = None
        self._running = None
        self._lines.buffer.clear()
        old = self.session
        self.session = Session(
            old.client, old.policy, tls=True, failed_sign_ins=old.failed_sign_ins, relay=old.relay,
            relay_suffix=old.relay_suffix, wrong_recipients=old.wrong_recipients,
            plugins_over=old.plugins_over, plugin_variables=old.plugin_variables, trace=old.trace,
            connection_refusals=old.connection_refusals, lasting_refusals=old.connection_refusals,
            late_refusals=old.connection_refusals, facts=_facts_of_client(old),
        )  # fmt: skip
        if old.relay is Relay.AUTH:
            self.session.relay = Relay.NONE

    def end(self, reply: Reply) -> None:
        """Say `reply` and close, whatever the client was doing."""
        if self.session.sender is not None:
            self._last_reply = (reply, Finding(reply, reply.text, "Timeout", "DATA"))
        self._say(reply)
        self.is_closing = True

    def lost(self) -> None:
        """The connection is gone: what was under way is over."""
        self._forget_transaction()

    @property
    def buffered(self) -> int:
        return len(self._lines.buffer)

    # The machine

    def _advance(self) -> None:
        try:
            while self.question is None and not self.is_closing and self._step():
                pass
        except BareLineFeed:
            why = "a line feed without carriage return"
            finding = Finding(replies.BARE_LF, why, "Bare_LF", "DATA", "newline")
            self._refuse("DATA" if self._data else "LINE", finding, "")
        if self.is_closing:
            self._lines.buffer.clear()

    def _step(self) -> bool:
        """Do one thing; False when more bytes are needed."""
        if self._data is not None:
            return self._step_data(self._data)
        try:
            line = self._lines.next_line(MAX_AUTH_LINE if self._auth_line else MAX_COMMAND)
        except LineTooLong:
            self._auth_line, self._running = False, None
            self._say(replies.LINE_TOO_LONG)
            return True
        if line is None:
            return False
        if self._auth_line:
            self._auth_line = False
            text = line.decode("ascii", "surrogateescape")
            self.watcher.command(self.session, "(sign-in)")
            self._resume(None if text == "*" else text)
        else:
            self._command(line)
        return True

    def _command(self, line: bytes) -> None:
        """Obey a command line."""
        raise NotImplementedError

    def _step_data(self, reader: MessageReader) -> bool:
        """Take what came of a message; False when more bytes are needed."""
        raise NotImplementedError

    def _begin(self, dialogue: Dialogue) -> None:
        self._running = dialogue
        self._resume(None)

    def _resume(self, value: object) -> None:
        """Run the dialogue up to its next question, or to its end."""
        dialogue = self._running
        if dialogue is None:
            return
        try:
            asked = dialogue.send(value)
        except StopIteration:
            if self._running is dialogue:
                self._running = None
            return
        if isinstance(asked, smtp_sign_in.Challenge):
            self._send(f"334 {asked.text}")
            self._auth_line = True
        else:
            self.question = asked

    def _judge(self, table: Table, verb: str, address: Address) -> Judging:
        """Run a table; what its checks remark goes to the watcher."""
        finding = yield from run(table, verb, self.session, address)
        for remark in self.session.remarks:
            self.watcher.remarked(self.session, remark)
        self.session.remarks.clear()
        return finding

    # Output

    def _forget_transaction(self) -> None:
        session = self.session
        if self._last_reply is not None or session.sender is not None:
            reply, finding = self._last_reply or (replies.OK, None)
            self.watcher.message_ended(session, reply, finding)
            self._last_reply = None
        session.sender = None
        session.sender_may_relay = False
        session.recipients = []
        session.recipients_seen = 0
        session.declared_size = session.received = 0
        session.body_is_8bit = session.utf8 = False
        session.chunks = None
        session.added_headers = ()
        session.late_refusals = session.lasting_refusals
        session.facts = _facts_of_client(session)
        if session.trace is not None:
            session.trace = [line for line in session.trace if line.verb in ("CONNECT", "HELO", "AUTH")]

    def _refuse(self, verb: str, finding: Finding, about: str) -> None:
        self.watcher.found(self.session, verb, finding, about)
        if finding.reply is not None:
            self._say(finding.reply)
        if finding.drop or finding.hang_up:
            self.is_closing = True

    def _say(self, reply: Reply) -> None:
        for line in reply.lines():
            self._send(line)
        if reply.close:
            self.is_closing = True

    def _send(self, line: str) -> None:
        self.output += line.encode("utf-8" if self.session.utf8 else "ascii", "replace") + b"\r\n"
        self.watcher.said(self.session, line)


def _facts_of_client(session: Session) -> dict[Fact, object]:
    """What outlasts a message: the client's name, for Received and the log. Failures are asked anew."""
    return {
        fact: known
        for fact, known in session.facts.items()
        if isinstance(known, ClientName) and known.has_ptr is not None
    }
