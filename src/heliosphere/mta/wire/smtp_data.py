"""DATA and BDAT: the message itself (RFC 5321, 4.1.1.4; RFC 3030)."""

from __future__ import annotations

from heliosphere.mta.rules import replies
from heliosphere.mta.rules.addresses import NULL_SENDER
from heliosphere.mta.rules.dns_facts import ClientName
from heliosphere.mta.rules.facts import ClientNameOf
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.headers import MAX_HOPS, Hop, count_hops
from heliosphere.mta.rules.plugins.spp import Section
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.wire import smtp_commands
from heliosphere.mta.wire.smtp_core import Dialogue, SmtpCore
from heliosphere.mta.wire.smtp_lines import (
    ChunkReader,
    DataReader,
    LenientDataReader,
    MessageReader,
)
from heliosphere.mta.wire.smtp_questions import Accept, Accepted


class DataVerbs(SmtpCore):
    """What a session does with a message once it has recipients."""

    __slots__ = ()

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
