"""SMTP as a server speaks it, without a socket (RFC 5321): all verbs together."""

from __future__ import annotations

from collections.abc import Callable

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import NULL_SENDER
from heliosphere.mta.rules.checks import auth as auth_checks
from heliosphere.mta.rules.checks.order import AUTH
from heliosphere.mta.rules.clients.block_lists import classic_answer
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.plugins.spp import Section
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.session import Relay
from heliosphere.mta.wire import smtp_commands, smtp_sign_in
from heliosphere.mta.wire.smtp_core import Dialogue
from heliosphere.mta.wire.smtp_envelope import EnvelopeVerbs
from heliosphere.mta.wire.smtp_questions import StartTls


class SmtpServer(EnvelopeVerbs):
    """One session: feed bytes, send `output`, answer `question` (see smtp_core)."""

    __slots__ = ()

    def greet(self) -> None:
        """Who is there? Then say hello, or hang up."""
        self._begin(self._connect())
        self._advance()

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

    _VERBS: dict[str, Callable[[SmtpServer, str], None]] = {
        "EHLO": _ehlo, "HELO": _helo, "MAIL": EnvelopeVerbs._mail, "RCPT": EnvelopeVerbs._rcpt,
        "DATA": EnvelopeVerbs._data_verb, "BDAT": EnvelopeVerbs._bdat,
        "RSET": _rset, "NOOP": _noop, "QUIT": _quit, "AUTH": _auth_verb, "STARTTLS": _starttls,
        "VRFY": _vrfy, "HELP": _help,
    }  # fmt: skip
