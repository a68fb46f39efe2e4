"""SMTP as a server speaks it, without a socket (RFC 5321).

`feed()` takes bytes, `output` fills with bytes to send. When the machine needs to know something it sets
`question` and goes on only after `answer()`; so looking things up may take as long as it must, and a
client that pipelines still gets its answers in order.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import NULL_SENDER, Address
from heliosphere.mta.rules.block_lists import classic_answer
from heliosphere.mta.rules.checks import auth as auth_checks
from heliosphere.mta.rules.checks.check import Judging, Table, run
from heliosphere.mta.rules.checks.order import AUTH, Tables
from heliosphere.mta.rules.dns_facts import ClientName
from heliosphere.mta.rules.facts import ClientNameOf, Fact
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.headers import MAX_HOPS, Hop, count_hops
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Client, Relay, Session, SmtpPolicy
from heliosphere.mta.rules.spp import Section
from heliosphere.mta.wire import smtp_commands, smtp_sign_in
from heliosphere.mta.wire.smtp_lines import (
    MAX_AUTH_LINE,
    MAX_COMMAND,
    BareLineFeed,
    ChunkReader,
    DataReader,
    LenientDataReader,
    LineReader,
    LineTooLong,
    MessageReader,
)
from heliosphere.mta.wire.smtp_questions import Accept, Accepted, Question, StartTls

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


class SmtpServer:
    """One session. `nonce()` gives a text that was never used before, for challenges."""

    __slots__ = (
        "_auth",
        "_auth_line",
        "_data",
        "_last_reply",
        "_lines",
        "_nonce",
        "_running",
        "_tables",
        "is_closing",
        "output",
        "question",
        "session",
        "watcher",
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
        self._auth: smtp_sign_in.Talk | None = None
        self._auth_line = False
        self._running: Dialogue | None = None
        self.watcher = watcher or Watcher()
        self._nonce = nonce
        self._tables = tables or Tables(policy)
        self._last_reply: tuple[Reply, Finding | None] | None = None

    # Outside

    def greet(self) -> None:
        self._begin(self._connect())
        self._advance()

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
        verb, argument = smtp_commands.split_command(line)
        shown = f"{verb} {argument}".rstrip() if verb != "AUTH" else f"AUTH {argument.partition(' ')[0]}"
        self.watcher.command(self.session, shown)
        blocked = self.session.blocked
        handler = self._VERBS.get(verb)
        if blocked is not None:
            self._say(classic_answer(verb, blocked, self.session.policy.hostname))
        elif handler is None:
            self._say(replies.UNKNOWN)
        else:
            handler(self, argument)

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

    # Greeting and small verbs

    def _connect(self) -> Dialogue:
        finding = yield from self._judge(self._tables.connect, "CONNECT", NULL_SENDER)
        policy = self.session.policy
        if finding is not None:
            self._refuse("CONNECT", finding, self.session.client.ip)
            self.is_closing = True
            return
        self.session.connection_refusals = self.session.lasting_refusals = self.session.late_refusals
        self._send(f"220 {policy.greeting} ESMTP")

    def _ehlo(self, argument: str) -> None:
        self._begin(self._hello(argument, extended=True))

    def _helo(self, argument: str) -> None:
        self._begin(self._hello(argument, extended=False))

    def _hello(self, argument: str, *, extended: bool) -> Dialogue:
        session, policy = self.session, self.session.policy
        if policy.stricthelocheck and not argument:
            self._say(replies.HELO_WITHOUT_NAME)
            return
        session.lasting_refusals = session.connection_refusals
        self._forget_transaction()
        session.helo, session.extended = argument, extended
        finding = yield from self._judge(self._tables.plugins[Section.HELO], "HELO", NULL_SENDER)
        session.lasting_refusals = session.late_refusals
        if finding is not None:
            self._refuse("HELO", finding, argument)
            return
        session.greeted = True
        lines = [policy.hostname, *(self._extensions() if extended else ())]
        for line in lines[:-1]:
            self._send(f"250-{line}")
        self._send(f"250 {lines[-1]}")

    def _extensions(self) -> list[str]:
        session, policy = self.session, self.session.policy
        found = [
            "PIPELINING", "8BITMIME", f"SIZE {policy.databytes}", "ENHANCEDSTATUSCODES", "SMTPUTF8",
            "CHUNKING",
        ]  # fmt: skip
        methods = " ".join(auth_checks.offered_methods(session))
        if methods:
            found += [f"AUTH {methods}", f"AUTH={methods}"]
        if policy.has_certificate and not session.tls:
            found.append("STARTTLS")
        return found

    def _noop(self, argument: str) -> None:
        self._say(replies.OK)

    def _rset(self, argument: str) -> None:
        self._forget_transaction()
        self._say(replies.OK)

    def _vrfy(self, argument: str) -> None:
        self._say(replies.CANNOT_VERIFY)

    def _help(self, argument: str) -> None:
        self._say(replies.HELP)

    def _quit(self, argument: str) -> None:
        self._forget_transaction()
        self._say(replies.BYE)

    def _starttls(self, argument: str) -> None:
        if argument:
            self._say(replies.NO_ARGUMENT)
        elif self.session.tls:
            self._say(replies.TLS_TWICE)
        elif not self.session.policy.has_certificate:
            why = "there is no certificate"
            self._refuse("STARTTLS", Finding(replies.TLS_UNAVAILABLE, why, "missing", "TLS"), "")
        else:
            self._forget_transaction()
            self._lines.buffer.clear()  # RFC 3207, section 4.2: commands sent in advance do not count
            self._say(replies.GO_AHEAD_TLS)
            self.question = StartTls()

    # AUTH

    def _auth_verb(self, argument: str) -> None:
        self._begin(self._sign_in(argument))

    def _sign_in(self, argument: str) -> Dialogue:
        session = self.session
        method, _, initial = argument.partition(" ")
        method = method.upper()
        finding = yield from self._judge(AUTH, "AUTH", NULL_SENDER)
        finding = finding or auth_checks.check_method_allowed(session, method)
        if finding is not None:
            self._refuse("AUTH", finding, "")
            return
        outcome = yield from smtp_sign_in.sign_in(method, initial.strip(), self._nonce())
        if isinstance(outcome, Reply):
            self._failed_sign_in(outcome, method)
            return
        session.login, session.auth_method = outcome, method
        finding = yield from self._judge(self._tables.plugins[Section.AUTH], "AUTH", NULL_SENDER)
        session.lasting_refusals = session.late_refusals
        if finding is not None:
            session.login, session.auth_method = None, ""
            self._refuse("AUTH", finding, outcome)
            return
        session.relay, session.relay_suffix = Relay.AUTH, ""
        self.watcher.signed_in(session, method)
        self._say(replies.SIGNED_IN)

    def _failed_sign_in(self, reply: Reply, method: str) -> None:
        if reply in (replies.WRONG_PASSWORD, replies.SIGN_IN_BLOCKED):
            self.watcher.found(self.session, "AUTH", Finding(reply, reply.text, method, "AUTH"), "")
        self._say(reply)
        if reply is replies.WRONG_PASSWORD:
            self.session.failed_sign_ins += 1
            if self.session.failed_sign_ins >= auth_checks.MAX_FAILURES:
                self._say(replies.TOO_MANY_FAILURES)

    # MAIL, RCPT

    def _mail(self, argument: str) -> None:
        self._forget_transaction()  # a second MAIL begins anew, as in qmail
        self._begin(self._judge_sender(argument))

    def _judge_sender(self, argument: str) -> Dialogue:
        session = self.session
        finding = yield from self._judge(self._tables.mail_first, "MAIL", NULL_SENDER)
        if finding is not None:
            self._refuse("MAIL", finding, argument)
            return
        command = smtp_commands.parse_mail(argument)
        if command is None:
            self._say(replies.SYNTAX)
            return
        if not command.utf8 and not command.sender.is_ascii:
            self._say(replies.UTF8_NEEDED)
            return
        sender = self._normal(command.sender)
        session.declared_size, session.utf8 = command.size, command.utf8
        session.body_is_8bit = command.is_8bit
        finding = yield from self._judge(self._tables.mail, "MAIL", sender)
        if finding is not None:
            session.sender = sender
            self._last_reply = (finding.reply or replies.BYE, finding)
            self._refuse("MAIL", finding, str(sender))
            self._forget_transaction()
            return
        session.sender = self._changed(sender)
        self._say(replies.SENDER_OK)

    def _changed(self, address: Address) -> Address:
        """The address, or what a plugin put in its place."""
        changed, self.session.changed_address = self.session.changed_address, None
        return changed or address

    def _normal(self, address: Address) -> Address:
        """stripsinglequotes, then lowercase, on the address that lists and mailboxes will see."""
        policy = self.session.policy
        local, domain, written = address.local, address.domain, address.written
        if policy.stripsinglequotes and len(written) > 2 and written[0] == written[-1] == "'":
            inside = written[1:-1]
            name, _, host = inside.rpartition("@") if "@" in inside else (inside, "", "")
            if name:  # quotes around nothing are a name, not the null sender
                local, domain, written = name, host, inside
        if policy.lowercase:
            local, written = local.lower(), written.lower()
        return Address(local, domain.lower(), written)

    def _rcpt(self, argument: str) -> None:
        if self.session.sender is None:
            self._say(replies.MAIL_FIRST)
            return
        recipient = smtp_commands.parse_rcpt(argument)
        if recipient is None:
            self._say(replies.SYNTAX)
        elif not self.session.utf8 and not recipient.is_ascii:
            self._say(replies.UTF8_NEEDED)
        else:
            self._begin(self._judge_recipient(self._normal(recipient)))

    def _judge_recipient(self, recipient: Address) -> Dialogue:
        session = self.session
        session.recipients_seen += 1
        finding = yield from self._judge(self._tables.rcpt, "RCPT", recipient)
        if finding is not None:
            if finding.reply is not None and finding.reply.status in ("5.1.1", "5.1.2"):
                session.wrong_recipients += 1
            self.watcher.recipient_refused(session, self._changed(recipient), finding)
            if not session.recipients:
                self._last_reply = (finding.reply or replies.BYE, finding)
            self._refuse("RCPT", finding, str(recipient))
            return
        recipient = self._changed(recipient)
        if session.relay_suffix:
            recipient = _with_suffix(recipient, session.relay_suffix)
        session.recipients.append(recipient)
        self.watcher.recipient_accepted(session, recipient)
        self._say(replies.RECIPIENT_OK)

    # DATA, BDAT

    def _data_verb(self, argument: str) -> None:
        if argument:
            self._say(replies.NO_ARGUMENT)
        elif self.session.sender is None:
            self._say(replies.MAIL_FIRST)
        elif not self.session.recipients:
            self._say(replies.RCPT_FIRST)
        elif self.session.chunks is not None:
            self._say(replies.CHUNK_LOST)  # RFC 3030, section 2: what BDAT brought would be lost
        else:
            self._begin(self._begin_data())

    def _begin_data(self) -> Dialogue:
        finding = yield from self._judge(self._tables.plugins[Section.DATA], "DATA", NULL_SENDER)
        if finding is not None:
            self._end_message(finding.reply or replies.BYE, finding)
            return
        policy = self.session.policy
        reader = LenientDataReader if policy.newline else DataReader
        self._data = reader(policy.databytes)
        self._say(replies.SEND_DATA)

    def _bdat(self, argument: str) -> None:
        parsed = smtp_commands.parse_bdat(argument)
        if parsed is None:
            # What follows may be a chunk or commands: there is no way to tell.
            self._say(replies.CHUNK_ODD)
            self.is_closing = True
            return
        size, is_last = parsed
        self._begin(self._chunk(size, is_last))

    def _chunk(self, size: int, is_last: bool) -> Dialogue:
        session = self.session
        if session.chunks is None:
            finding: Finding | None = None
            if session.sender is None or not session.recipients:
                finding = Finding(replies.CHUNK_LOST, "BDAT without recipients")
            else:
                finding = yield from self._judge(self._tables.plugins[Section.DATA], "DATA", NULL_SENDER)
            # What is refused is read over, not kept: its size is up to whoever sends it.
            limit = session.policy.databytes if finding is None else 1
            session.chunks = (ChunkReader(limit, takes_bare_lf=session.policy.newline), finding)
        reader = session.chunks[0]
        reader.expect(size, is_last=is_last)
        self._data = reader

    def _step_data(self, reader: MessageReader) -> bool:
        chunk = self._lines.take_all()
        if not chunk and not (isinstance(reader, ChunkReader) and reader.is_chunk_complete):
            return False
        self._lines.buffer += reader.feed(chunk)
        if isinstance(reader, ChunkReader) and reader.is_chunk_complete:
            self._data = None
            self._chunk_complete(reader)
            return True
        if not reader.is_complete:
            return False
        self._data = None
        self._message_complete(reader)
        return True

    def _chunk_complete(self, reader: ChunkReader) -> None:
        """RFC 3030: each chunk is answered; a refused one ends the transaction."""
        chunks = self.session.chunks
        finding = chunks[1] if chunks is not None else None
        if finding is not None:
            if reader.is_last:
                self.session.chunks = None
            self._end_message(finding.reply or replies.BYE, finding, keep_chunks=not reader.is_last)
        elif reader.is_last:
            self.session.chunks = None
            self._message_complete(reader)
        else:
            self._say(replies.CHUNK_TAKEN)

    def _message_complete(self, reader: MessageReader) -> None:
        session = self.session
        message, session.received = reader.message(), reader.size
        if reader.is_too_big:
            why = f"{reader.size} bytes came, the limit is {session.policy.databytes}"
            finding = Finding(replies.TOO_BIG, why, "Invalid_Size", "DATA", "databytes")
            self._end_message(replies.TOO_BIG, finding)
        elif count_hops(message) >= MAX_HOPS:
            why = f"the message went through {MAX_HOPS} servers or more"
            finding = Finding(replies.TOO_MANY_HOPS, why, "Many_Hops", "DATA")
            self._end_message(replies.TOO_MANY_HOPS, finding)
        else:
            self._begin(self._hand_over(message))

    def _hand_over(self, message: bytes) -> Dialogue:
        session = self.session
        assert session.sender is not None
        recipients = tuple(session.recipients)
        accepted = yield Accept(session, session.sender, recipients, message, self._hop(), session.login)
        assert isinstance(accepted, Accepted)
        if session.trace is not None:
            session.trace.extend(accepted.trace)
        self._end_message(accepted.reply, accepted.finding)

    def _end_message(self, reply: Reply, finding: Finding | None, *, keep_chunks: bool = False) -> None:
        """Give the last answer of a transaction and forget it."""
        self._last_reply = (reply, finding)
        chunks = self.session.chunks if keep_chunks else None
        self._forget_transaction()
        self.session.chunks = chunks
        if finding is not None:
            self._refuse("DATA", finding, "")
        else:
            self._say(reply)

    def _hop(self) -> Hop:
        session = self.session
        protocol = "SMTP"
        if session.extended:
            protocol = ("UTF8SMTP" if session.utf8 else "ESMTP") + ("S" if session.tls else "")
            protocol += "A" if session.login else ""
        known = session.facts.get(ClientNameOf(session.client.ip))
        host = known.name if isinstance(known, ClientName) else ""
        return Hop(
            session.client.ip, session.helo, protocol, session.policy.hostname, session.login or "", host
        )

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

    _VERBS: dict[str, Callable[[SmtpServer, str], None]] = {
        "EHLO": _ehlo, "HELO": _helo, "MAIL": _mail, "RCPT": _rcpt, "DATA": _data_verb, "BDAT": _bdat,
        "RSET": _rset, "NOOP": _noop, "QUIT": _quit, "AUTH": _auth_verb, "STARTTLS": _starttls,
        "VRFY": _vrfy, "HELP": _help,
    }  # fmt: skip


def _facts_of_client(session: Session) -> dict[Fact, object]:
    """What outlasts a message: the client's name, for Received and the log. Failures are asked anew."""
    return {
        fact: known
        for fact, known in session.facts.items()
        if isinstance(known, ClientName) and known.has_ptr is not None
    }


def _with_suffix(recipient: Address, suffix: str) -> Address:
    """RELAYCLIENT's value is appended to the whole address."""
    local, at, domain = f"{recipient}{suffix}".rpartition("@")
    return Address(local, domain.lower()) if at else Address(domain, "")
