"""What a mail program does: send with a login, read over POP3 and IMAP."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
from email.message import EmailMessage

#: The house makes its own certificate; these tests are about mail, not about trust.
TRUSTING = ssl._create_unverified_context()


def send(port: int, login: str, password: str, to: str, subject: str) -> None:
    """Submission with STARTTLS and AUTH."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = login, to, subject
    message.set_content("Written by a test.\n")
    with smtplib.SMTP("127.0.0.1", port, timeout=15) as client:
        client.starttls(context=TRUSTING)
        client.login(login, password)
        client.send_message(message)


def read_pop3(port: int, login: str, password: str) -> str:
    """All messages as one text. Raises poplib.error_proto when the login is refused."""
    client = poplib.POP3("127.0.0.1", port, timeout=15)
    try:
        client.stls(TRUSTING)
        client.user(login)
        client.pass_(password)
        count = client.stat()[0]
        return "\n".join(b"\n".join(client.retr(number + 1)[1]).decode() for number in range(count))
    finally:
        client.close()


def read_imap(port: int, login: str, password: str) -> str:
    """All messages of the inbox as one text. Raises imaplib.IMAP4.error when the login is refused."""
    client = imaplib.IMAP4("127.0.0.1", port, timeout=15)
    try:
        client.starttls(TRUSTING)
        client.login(login, password)
        client.select("INBOX", readonly=True)
        numbers = client.search(None, "ALL")[1][0].split()
        parts = [client.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in numbers]  # type: ignore[index]
        return "\n".join(part.decode() for part in parts)  # type: ignore[union-attr]
    finally:
        client.shutdown()
