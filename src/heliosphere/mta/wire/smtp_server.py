"""SMTP as a server speaks it, without a socket.

`feed()` takes bytes, `output` fills with bytes to send. When the machine needs to know something it sets
`question` and goes on only after `answer()`; so looking things up may take as long as it must, and a
client that pipelines still gets its answers in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import Address
from heliosphere.mta.rules.auth_checks import MAX_FAILURES, is_private, offers_auth
from heliosphere.mta.rules.check_order import judge_auth, judge_mail, judge_rcpt
from heliosphere.mta.rules.headers import MAX_HOPS, Hop, count_hops
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Client, RecipientFacts, SenderFacts, Session, SmtpPolicy
from heliosphere.mta.wire import smtp_commands
from heliosphere.mta.wire.smtp_lines import (
    MAX_AUTH_LINE,
    MAX_COMMAND,
    BareLineFeed,
    DataReader,
    LineReader,
    LineTooLong,
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Answer with the user's address, or one of SignInFailed."""

    name: str
    password: str


class SignInFailed(Enum):
    WRONG = auto()
    UNAVAILABLE = auto()


@dataclass(frozen=True, slots=True)
class LookUpSender:
    """Answer with SenderFacts, or a Reply when they cannot be had."""

    sender: Address
    login: str | None


@dataclass(frozen=True, slots=True)
class LookUpRecipient:
    """Answer with RecipientFacts, or a Reply when they cannot be had."""

    recipient: Address
    size: int


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer with the Reply to give; 250 only when the message is safe on disk."""

    sender: Address
    recipients: tuple[Address, ...]
    message: bytes
    hop: Hop
    login: str | None


@dataclass(frozen=True, slots=True)
class StartTls:
    """Send the output, start TLS, then call tls_started()."""


Question = SignIn | LookUpSender | LookUpRecipient | Accept | StartTls
Refusal = Callable[[str, Reply, str], None]


def _ignore(verb: str, reply: Reply, about: str) -> None:
    """Nobody listens to refusals."""


class SmtpServer:
    """One session. `on_refusal(verb, reply, about)` hears of every check that said no."""

    def __init__(
        self, client: Client, policy: SmtpPolicy, *, tls: bool = False, on_refusal: Refusal = _ignore
    ) -> None:
        self.session = Session(client, policy, tls=tls)
        self.output = bytearray()
        self.question: Question | None = None
        self.is_closing = False
        self._lines = LineReader()
        self._data: DataReader | None = None
        self._auth_step: Callable[[str], None] | None = None
        self._then: Callable[[object], None] = self._nothing
        self._on_refusal = on_refusal
        self._verbs: dict[str, Callable[[str], None]] = {
            "EHLO": self._ehlo, "HELO": self._helo, "MAIL": self._mail, "RCPT": self._rcpt,
            "DATA": self._data_verb, "RSET": self._rset, "NOOP": self._noop, "QUIT": self._quit,
            "AUTH": self._auth, "STARTTLS": self._starttls, "VRFY": self._vrfy, "HELP": self._help,
        }  # fmt: skip

    # Outside

    def greet(self) -> None:
        self._send(f"220 {self.session.policy.greeting} ESMTP")

    def feed(self, data: bytes) -> None:
        if not self.is_closing:
            self._lines.buffer += data
            self._advance()

    def answer(self, value: object) -> None:
        """Give what `question` asked for."""
        then, self.question, self._then = self._then, None, self._nothing
        then(value)
        self._advance()

    def tls_started(self) -> None:
        """Begin anew on the encrypted line. Whatever came before it in clear text is forgotten."""
        self.question = None
        self._lines.buffer.clear()
        failed = self.session.failed_sign_ins
        self.session = Session(self.session.client, self.session.policy, tls=True, failed_sign_ins=failed)

    def end(self, reply: Reply) -> None:
        """Say `reply` and close, whatever the client was doing."""
        self._say(reply)
        self.is_closing = True

    @property
    def buffered(self) -> int:
        return len(self._lines.buffer)

    # The machine

    def _advance(self) -> None:
        try:
            while self.question is None and not self.is_closing and self._step():
                pass
        except BareLineFeed:
            self._refuse("DATA" if self._data else "LINE", replies.BARE_LF, "")
        if self.is_closing:
            self._lines.buffer.clear()

    def _step(self) -> bool:
        """Do one thing; False when more bytes are needed."""
        if self._data is not None:
            return self._step_data(self._data)
        try:
            line = self._lines.next_line(MAX_AUTH_LINE if self._auth_step else MAX_COMMAND)
        except LineTooLong:
            self._auth_step = None
            self._say(replies.LINE_TOO_LONG)
            return True
        if line is None:
            return False
        if self._auth_step is not None:
            self._step_auth(line)
        else:
            self._command(line)
        return True

    def _command(self, line: bytes) -> None:
        verb, argument = smtp_commands.split_command(line)
        handler = self._verbs.get(verb)
        if handler is None:
            self._say(replies.UNKNOWN)
        else:
            handler(argument)

    def _ask(self, question: Question, then: Callable[[object], None]) -> None:
        self.question, self._then = question, then

    def _nothing(self, value: object) -> None:
        raise AssertionError("no question was asked")

    # Greeting and small verbs

    def _ehlo(self, argument: str) -> None:
        self._hello(argument, extended=True)
        policy = self.session.policy
        lines = [policy.hostname, "PIPELINING", "8BITMIME", f"SIZE {policy.databytes}", "ENHANCEDSTATUSCODES"]
        if offers_auth(self.session) and is_private(self.session):
            lines += ["AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"]
        if policy.has_certificate and not self.session.tls:
            lines.append("STARTTLS")
        for line in lines[:-1]:
            self._send(f"250-{line}")
        self._send(f"250 {lines[-1]}")

    def _helo(self, argument: str) -> None:
        self._hello(argument, extended=False)
        self._send(f"250 {self.session.policy.hostname}")

    def _hello(self, argument: str, *, extended: bool) -> None:
        self._forget_transaction()
        self.session.helo, self.session.extended = argument, extended

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
        self._say(replies.BYE)

    def _starttls(self, argument: str) -> None:
        if argument:
            self._say(replies.NO_ARGUMENT)
        elif self.session.tls:
            self._say(replies.TLS_TWICE)
        elif not self.session.policy.has_certificate:
            self._say(replies.TLS_UNAVAILABLE)
        else:
            self._lines.buffer.clear()  # RFC 3207, section 4.2: commands sent in advance do not count
            self._say(replies.GO_AHEAD_TLS)
            self._ask(StartTls(), self._nothing)

    # AUTH

    def _auth(self, argument: str) -> None:
        refusal = judge_auth(self.session)
        if refusal is not None:
            self._say(refusal)
            return
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() == "PLAIN":
            if initial:
                self._auth_plain(initial)
            else:
                self._challenge("", self._auth_plain)
        elif mechanism.upper() == "LOGIN":
            if initial:
                self._auth_login_name(initial)
            else:
                self._challenge("VXNlcm5hbWU6", self._auth_login_name)
        else:
            self._say(replies.AUTH_UNKNOWN_MECHANISM)

    def _challenge(self, text: str, step: Callable[[str], None]) -> None:
        self._send(f"334 {text}")
        self._auth_step = step

    def _step_auth(self, line: bytes) -> None:
        step, self._auth_step = self._auth_step, None
        text = line.decode("ascii", "surrogateescape")
        if text == "*":
            self._say(replies.AUTH_ABORTED)
        elif step is not None:
            step(text)

    def _auth_plain(self, text: str) -> None:
        data = smtp_commands.decode_base64(text)
        pair = smtp_commands.split_plain(data) if data else None
        if pair is None:
            self._say(replies.AUTH_MALFORMED)
        else:
            self._ask(SignIn(*pair), self._signed_in)

    def _auth_login_name(self, text: str) -> None:
        name = smtp_commands.decode_base64(text)
        if not name:
            self._say(replies.AUTH_MALFORMED)
            return

        def with_password(line: str) -> None:
            password = smtp_commands.decode_base64(line)
            if not password:
                self._say(replies.AUTH_MALFORMED)
            else:
                question = SignIn(smtp_commands.as_text(name), smtp_commands.as_text(password))
                self._ask(question, self._signed_in)

        self._challenge("UGFzc3dvcmQ6", with_password)

    def _signed_in(self, value: object) -> None:
        if isinstance(value, str):
            self.session.login = value
            self._say(replies.SIGNED_IN)
        elif value is SignInFailed.UNAVAILABLE:
            self._say(replies.AUTH_UNAVAILABLE)
        else:
            self.session.failed_sign_ins += 1
            too_often = self.session.failed_sign_ins >= MAX_FAILURES
            self._say(replies.WRONG_PASSWORD)
            if too_often:
                self._say(replies.TOO_MANY_FAILURES)

    # MAIL, RCPT

    def _mail(self, argument: str) -> None:
        self._forget_transaction()  # a second MAIL begins anew, as in qmail
        command = smtp_commands.parse_mail(argument)
        if command is None:
            self._say(replies.SYNTAX)
            return
        self.session.declared_size = command.size
        needs_facts = self.session.policy.authsender == 1 and self.session.login is not None
        if not needs_facts:
            self._judge_sender(command.sender, SenderFacts())
            return
        question = LookUpSender(command.sender, self.session.login)
        self._ask(question, lambda value: self._judge_sender(command.sender, value))

    def _judge_sender(self, sender: Address, facts: object) -> None:
        refusal = (
            facts if isinstance(facts, Reply) else judge_mail(self.session, sender, cast(SenderFacts, facts))
        )
        if refusal is not None:
            self._refuse("MAIL", refusal, str(sender))
            return
        self.session.sender, self.session.recipients = sender, []
        self._say(replies.SENDER_OK)

    def _rcpt(self, argument: str) -> None:
        if self.session.sender is None:
            self._say(replies.MAIL_FIRST)
            return
        recipient = smtp_commands.parse_rcpt(argument)
        if recipient is None:
            self._say(replies.SYNTAX)
            return
        question = LookUpRecipient(recipient, self.session.declared_size)
        self._ask(question, lambda value: self._judge_recipient(recipient, value))

    def _judge_recipient(self, recipient: Address, facts: object) -> None:
        if isinstance(facts, Reply):
            refusal: Reply | None = facts
        else:
            refusal = judge_rcpt(self.session, recipient, cast(RecipientFacts, facts))
        if refusal is not None:
            self._refuse("RCPT", refusal, str(recipient))
            return
        self.session.recipients.append(recipient)
        self._say(replies.RECIPIENT_OK)

    # DATA

    def _data_verb(self, argument: str) -> None:
        if argument:
            self._say(replies.NO_ARGUMENT)
        elif self.session.sender is None:
            self._say(replies.MAIL_FIRST)
        elif not self.session.recipients:
            self._say(replies.RCPT_FIRST)
        else:
            self._data = DataReader(self.session.policy.databytes)
            self._say(replies.SEND_DATA)

    def _step_data(self, reader: DataReader) -> bool:
        chunk = self._lines.take_all()
        if not chunk:
            return False
        self._lines.buffer += reader.feed(chunk)
        if not reader.is_complete:
            return False
        self._data = None
        self._message_complete(reader)
        return True

    def _message_complete(self, reader: DataReader) -> None:
        session = self.session
        message = reader.message()
        assert session.sender is not None
        if reader.is_too_big:
            self._refuse("DATA", replies.TOO_BIG, str(session.sender))
        elif count_hops(message) >= MAX_HOPS:
            self._refuse("DATA", replies.TOO_MANY_HOPS, str(session.sender))
        else:
            question = Accept(session.sender, tuple(session.recipients), message, self._hop(), session.login)
            self._ask(question, self._accepted)
            return
        self._forget_transaction()

    def _accepted(self, value: object) -> None:
        self._forget_transaction()
        reply = cast(Reply, value)
        if reply.code == 250:
            self._say(reply)
        else:
            self._refuse("DATA", reply, "")

    def _hop(self) -> Hop:
        session = self.session
        protocol = "SMTP"
        if session.extended:
            protocol = "ESMTP" + ("S" if session.tls else "") + ("A" if session.login else "")
        return Hop(session.client.ip, session.helo, protocol, session.policy.hostname, session.login or "")

    # Output

    def _forget_transaction(self) -> None:
        self.session.sender = None
        self.session.recipients = []
        self.session.declared_size = 0

    def _refuse(self, verb: str, reply: Reply, about: str) -> None:
        self._on_refusal(verb, reply, about)
        self._say(reply)

    def _say(self, reply: Reply) -> None:
        self._send(reply.line())
        if reply.close:
            self.is_closing = True

    def _send(self, line: str) -> None:
        self.output += line.encode("ascii", "replace") + b"\r\n"
