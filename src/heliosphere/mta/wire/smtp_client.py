"""SMTP as a client speaks it, without a socket: what to say next, and what the answers mean."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from heliosphere.mta.rules.delivery.outcomes import DELIVERED, Outcome, deferred, failed
from heliosphere.mta.wire.smtp_lines import stuff

MAX_REPLY = 64 * 1024


class GarbledReply(Exception):
    """The host does not speak SMTP."""


class TryNextHost(Exception):
    """This host turns everybody away at the moment; another one of the domain may not."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole reply, its lines joined by line feeds."""

    code: int
    text: str

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 400

    @property
    def is_permanent(self) -> bool:
        return self.code >= 500


class AnswerReader:
    """Puts replies together from a byte stream."""

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[str] = []

    def feed(self, data: bytes) -> list[Answer]:
        """Complete replies, in order. Raises GarbledReply."""
        self._buffer += data
        if len(self._buffer) > MAX_REPLY or len(self._lines) > 1000:
            raise GarbledReply("the reply does not end")
        found: list[Answer] = []
        while b"\n" in self._buffer:
            raw, self._buffer = self._buffer.split(b"\n", 1)
            line = raw.rstrip(b"\r").decode("utf-8", "replace")
            if not (line[:3].isascii() and line[:3].isdigit()) or line[3:4] not in ("", " ", "-"):
                raise GarbledReply(f"not an SMTP reply: {line[:80]!r}")
            self._lines.append(line[4:])
            if line[3:4] != "-":
                found.append(Answer(int(line[:3]), "\n".join(self._lines)))
                self._lines = []
        return found


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for some recipients of one domain; LF line ends."""

    helo: str
    sender: str
    recipients: Sequence[str]
    message: bytes


Conversation = Generator[bytes, Answer, list[Outcome]]


def converse(letter: Letter) -> Conversation:
    """Yields what to send (empty: only listen) and is sent each reply; returns one outcome a recipient.

    Raises TryNextHost when the host is not taking mail at all.
    """
    greeting = yield b""
    if greeting.code != 220:
        raise TryNextHost(f"greeting: {_quote(greeting)}", str(greeting.code))
    hello = yield f"EHLO {letter.helo}\r\n".encode()
    offers = _offers(hello) if hello.is_good else {}
    if not hello.is_good:
        hello = yield f"HELO {letter.helo}\r\n".encode()
        if not hello.is_good:
            raise TryNextHost(f"HELO: {_quote(hello)}", str(hello.code))
    size = _size(letter.message)
    if (too_big := _too_big(offers, size)) is not None:
        yield b"QUIT\r\n"
        return [too_big] * len(letter.recipients)
    if not _can_be_said(letter) and "SMTPUTF8" not in offers:
        yield b"QUIT\r\n"
        return [failed("The remote host takes no addresses with such letters. (#5.6.7)", "5.6.7")] * len(
            letter.recipients
        )
    outcomes = yield from _envelope(letter, offers, size)
    if isinstance(outcomes, Outcome):
        yield b"QUIT\r\n"
        return [outcomes] * len(letter.recipients)
    if not any(one is DELIVERED for one in outcomes):
        yield b"QUIT\r\n"
        return outcomes
    answer = yield b"DATA\r\n"
    if answer.is_good:
        answer = yield stuff(letter.message)
    final = DELIVERED if answer.is_good else _judge(answer, "the message")
    if answer.is_good:
        final = Outcome(DELIVERED.verdict, _quote(answer), code=str(answer.code))
    yield b"QUIT\r\n"
    return [final if one is DELIVERED else one for one in outcomes]


def _envelope(
    letter: Letter, offers: dict[str, str], size: int
) -> Generator[bytes, Answer, list[Outcome] | Outcome]:
    mail = f"MAIL FROM:<{letter.sender}>"
    if "SIZE" in offers:
        mail += f" SIZE={size}"
    if "8BITMIME" in offers and not letter.message.isascii():
        mail += " BODY=8BITMIME"
    if "SMTPUTF8" in offers and not (_can_be_said(letter) and _header(letter.message).isascii()):
        mail += " SMTPUTF8"
    rcpts = [f"RCPT TO:<{one}>\r\n".encode() for one in letter.recipients]
    if "PIPELINING" in offers:
        answers = [(yield f"{mail}\r\n".encode() + b"".join(rcpts))]
        for _ in rcpts:
            answers.append((yield b""))
    else:
        answers = [(yield f"{mail}\r\n".encode())]
        if answers[0].is_good:
            for line in rcpts:
                answers.append((yield line))
    sender, *rest = answers
    if not sender.is_good:
        return _judge(sender, "the sender")
    return [DELIVERED if one.is_good else _judge(one, "this recipient") for one in rest]


def _can_be_said(letter: Letter) -> bool:
    """Without SMTPUTF8 (RFC 6531), that is."""
    return letter.sender.isascii() and all(one.isascii() for one in letter.recipients)


def _header(message: bytes) -> bytes:
    return message.partition(b"\n\n")[0]


def _judge(answer: Answer, what: str) -> Outcome:
    text = f"The remote host refused {what}.\nRemote host said: {_quote(answer)}"
    return (failed if answer.is_permanent else deferred)(text, str(answer.code))


def _too_big(offers: dict[str, str], size: int) -> Outcome | None:
    limit = offers.get("SIZE", "").strip()
    if limit.isascii() and limit.isdigit() and 0 < int(limit) < size:
        return failed(f"The remote host takes at most {limit} bytes. (#5.3.4)", "5.3.4")
    return None


def _size(message: bytes) -> int:
    """Octets with CRLF line ends, without dot stuffing (RFC 1870, section 5)."""
    return len(message) + message.count(b"\n") + (0 if message.endswith(b"\n") else 2)


def _offers(answer: Answer) -> dict[str, str]:
    found = {}
    for line in answer.text.split("\n")[1:]:
        key, _, value = line.partition(" ")
        found[key.upper()] = value
    return found


def _quote(answer: Answer) -> str:
    return f"{answer.code} {answer.text}"[:500]
