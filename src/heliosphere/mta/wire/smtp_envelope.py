"""MAIL and RCPT: from whom, and for whom."""

from __future__ import annotations

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import NULL_SENDER, Address
from heliosphere.mta.wire import smtp_commands
from heliosphere.mta.wire.smtp_core import Dialogue
from heliosphere.mta.wire.smtp_data import DataVerbs


class EnvelopeVerbs(DataVerbs):
    """How a message begins."""

    __slots__ = ()

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


def _with_suffix(recipient: Address, suffix: str) -> Address:
    """RELAYCLIENT's value is appended to the whole address."""
    local, at, domain = f"{recipient}{suffix}".rpartition("@")
    return Address(local, domain.lower()) if at else Address(domain, "")
