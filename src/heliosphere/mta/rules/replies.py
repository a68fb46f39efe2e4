"""SMTP replies as data, each by name: what a check returns instead of writing to a socket."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Reply:
    """`status` is the enhanced code (RFC 3463), empty where RFC 2034 wants none.

    `close` ends the session after the reply.
    """

    code: int
    status: str
    text: str
    close: bool = False

    def lines(self) -> list[str]:
        """The reply as sent, without line ends; a text of several lines has `550-` before the last."""
        *first, last = self.text.split("\n")
        head = f"{self.code}-{self.status} " if self.status else f"{self.code}-"
        return [*(head + one for one in first), replace(self, text=last).line()]

    def line(self) -> str:
        """The reply as sent, without the line end.

        The enhanced code stands in front, as RFC 2034 has it, and for refusals once more at the end in
        qmail's form `(#5.7.1)`, which scripts that read qmail's answers look for.
        """
        words = f"{self.status} {self.text}" if self.status else self.text
        tail = f" (#{self.status})" if self.status and self.code >= 400 else ""
        return f"{self.code} {words}{tail}"


OK = Reply(250, "2.0.0", "ok")
SENDER_OK = Reply(250, "2.1.0", "sender ok")
RECIPIENT_OK = Reply(250, "2.1.5", "recipient ok")
SEND_DATA = Reply(354, "", "send the message, end with a dot on a line of its own")
BYE = Reply(221, "2.0.0", "goodbye", close=True)
HELP = Reply(214, "2.0.0", "see RFC 5321")
CANNOT_VERIFY = Reply(252, "2.1.5", "send some mail, it will be tried")
GO_AHEAD_TLS = Reply(220, "2.0.0", "ready to start TLS")

SIGNED_IN = Reply(235, "2.0.0", "signed in")
WRONG_PASSWORD = Reply(535, "5.7.1", "name or password not accepted")
TOO_MANY_FAILURES = Reply(421, "4.7.0", "too many failed sign-ins", close=True)
AUTH_ABORTED = Reply(501, "5.0.0", "sign-in given up")
AUTH_MALFORMED = Reply(501, "5.5.4", "sign-in data malformed")
AUTH_UNKNOWN_MECHANISM = Reply(504, "5.5.1", "no such way to sign in")
AUTH_TWICE = Reply(503, "5.5.0", "signed in already")
AUTH_IN_TRANSACTION = Reply(503, "5.5.0", "no sign-in in the middle of a message")
AUTH_UNAVAILABLE = Reply(454, "4.3.0", "cannot check passwords at the moment")
TLS_FIRST = Reply(535, "5.7.1", "use STARTTLS before signing in")
SIGN_IN_FIRST = Reply(535, "5.7.1", "sign in first")

TLS_UNAVAILABLE = Reply(454, "5.7.3", "TLS not available")
TLS_TWICE = Reply(503, "5.5.1", "TLS is on already")

UNKNOWN = Reply(502, "5.5.1", "command not known")
LINE_TOO_LONG = Reply(500, "5.5.2", "line too long")
SYNTAX = Reply(555, "5.5.4", "syntax error in address or parameters")
NO_ARGUMENT = Reply(501, "5.5.4", "no argument expected")
MAIL_FIRST = Reply(503, "5.5.1", "MAIL first")
RCPT_FIRST = Reply(503, "5.5.1", "RCPT first")
BARE_LF = Reply(451, "", "line feed without carriage return, see RFC 5321 section 2.3.8", close=True)
TIMEOUT = Reply(451, "4.4.2", "timeout", close=True)
SHUTTING_DOWN = Reply(421, "4.3.2", "service is being stopped", close=True)
CONTROLS_UNREADABLE = Reply(421, "4.3.0", "unable to read controls", close=True)

HELO_FIRST = Reply(503, "5.5.1", "say HELO or EHLO first")
HELO_WITHOUT_NAME = Reply(501, "5.5.4", "HELO needs a name")
BAD_HELO = Reply(550, "5.7.1", "that greeting is not welcome here")
HELO_NOT_IN_DNS = Reply(550, "5.7.1", "the name in your greeting does not exist in the DNS")
DNS_LATER = Reply(451, "4.3.0", "the DNS does not answer at the moment")
PTR_LATER = Reply(451, "4.4.3", "the DNS does not answer for the name of your address at the moment")
SENDER_WITHOUT_DOMAIN = Reply(553, "5.1.7", "the sender needs a full domain")
RECIPIENT_WITHOUT_DOMAIN = Reply(553, "5.1.3", "the recipient needs a full domain")
BAD_SENDER = Reply(553, "5.7.1", "sender refused here")
SENDER_NOT_IN_DNS = Reply(553, "5.7.1", "the sender's domain does not exist in the DNS")
UNKNOWN_CLIENT = Reply(553, "5.7.1", "mail of that sender needs a client with a name in the DNS")
FOREIGN_SENDER = Reply(553, "5.7.1", "mail to others needs a sender of a domain held here")
BAD_RECIPIENT = Reply(550, "5.7.1", "recipient refused here")
MAILBOX_DISCARDS = Reply(550, "5.2.1", "this mailbox keeps no mail")
TOO_MANY_WRONG = Reply(550, "5.5.3", "too many wrong recipients")
RECIPIENT_NOT_IN_DNS = Reply(550, "5.1.2", "the recipient's domain does not exist in the DNS")
RECIPIENT_DNS_LATER = Reply(451, "4.4.0", "the DNS does not answer for the recipient's domain at the moment")
TOO_MANY_FROM_ADDRESS = Reply(421, "4.7.0", "too many sessions from your address", close=True)
SIGN_IN_BLOCKED = Reply(421, "4.7.0", "too many failed sign-ins, come again later", close=True)
NOT_AUTHENTIC = Reply(550, "5.7.26", "the sender's domain asks to refuse mail that it did not authorize")
UTF8_NEEDED = Reply(553, "5.6.7", "an address with such letters needs SMTPUTF8")
CHUNK_ODD = Reply(501, "5.5.4", "BDAT needs a size")
CHUNK_LOST = Reply(503, "5.5.1", "BDAT only after RCPT, and not together with DATA")
CHUNK_TAKEN = Reply(250, "2.0.0", "chunk taken")

TOO_BIG = Reply(552, "5.3.4", "message too big")
OTHER_DOMAIN_SENDER = Reply(553, "5.7.1", "that sender is not of the domain you signed in with")
NO_RELAY = Reply(553, "5.7.1", "that domain is not served here")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "too many recipients")
NO_SUCH_MAILBOX = Reply(550, "5.1.1", "no such mailbox here")
MAILBOX_CLOSED = Reply(550, "5.2.1", "this mailbox takes no mail")
MAILBOX_FULL = Reply(552, "5.2.2", "mailbox is full")
LOOK_UP_LATER = Reply(451, "4.3.0", "cannot look that up at the moment")
TOO_MANY_HOPS = Reply(554, "5.4.6", "too many hops, this message is looping")
STORE_LATER = Reply(451, "4.3.0", "cannot store the message at the moment")


def spf_refusal(explanation: str) -> Reply:
    """MAIL-SPF-027: 550, the explanation, and the enhanced code at the end."""
    return Reply(550, "5.7.1", explanation)
