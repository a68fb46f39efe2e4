"""A letter that shows what a client or server does to content, and where it must arrive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BODY_LINES = (
    b".",
    b"..",
    b"...three dots",
    b".one dot and a word",
    b"",
    b"From here on nothing is quoted",
    b"gr\xc3\xbc\xc3\x9fe in UTF-8, and latin-1: \xfc\xe9\xff",
    b"blanks at the end   ",
    b"\ta tab",
    b"L" * 990,
    b"=3D =20 is no code here",
    b"NUL is not here, but \x01\x1b are",
    b".",
    b"the end",
    b"",
)
"""990 octets: with the two of the line end and one for a dot that is within every server's limit."""


@dataclass(frozen=True)
class Letter:
    """`token` tells it from all others."""

    token: str
    sender: str
    recipient: str

    def lines(self) -> list[bytes]:
        header = (
            f"From: Carl <{self.sender}>", f"To: {self.recipient}", f"Subject: {self.token}",
            f"Message-ID: <{self.token}@far.test>", "Date: Thu, 7 Mar 2024 05:05:06 +0100",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 8bit", "",
        )  # fmt: skip
        return [*(line.encode() for line in header), *BODY_LINES]

    def wire(self) -> bytes:
        """With CRLF, not dot-stuffed."""
        return b"\r\n".join(self.lines()) + b"\r\n"

    def file(self, directory: Path, *, last_end: bool = True) -> Path:
        """With LF, as programs on this machine expect it. `last_end` False: for those that add one."""
        path = directory / f"{self.token}.eml"
        path.write_bytes(b"\n".join(self.lines()) + (b"\n" if last_end else b""))
        return path


def body_of(message: bytes) -> bytes:
    """What stands below the header, with LF."""
    return message.replace(b"\r\n", b"\n").partition(b"\n\n")[2]


BODY = b"\n".join(BODY_LINES) + b"\n"
