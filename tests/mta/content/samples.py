"""Messages and pieces of messages that several tests use."""

import base64

from heliosphere.mta.rules.addresses import parse_address

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
PROGRAM = (
    b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff"
    + bytes(50)
    + b"This program cannot be run in DOS mode"
)

HEADER = (
    b"From: Anna <anna@far.test>\nTo: bob@one.test\nSubject: hello\n"
    b"Date: Wed, 01 Apr 2026 12:00:00 +0000\nMessage-ID: <1@far.test>\n"
)
LETTER = HEADER + b"\nDear Bob,\n\nlunch at noon?\n\nAnna\n"
SPAM = HEADER + b"\n" + GTUBE + b"\n"


def attached(content, times=1, newline=b"\n", head=b"Content-Transfer-Encoding: base64"):
    """A multipart message with `content` attached, encoded `times` times."""
    for _ in range(times):
        content = base64.encodebytes(content)
    lines = [
        *HEADER.splitlines(),
        b"MIME-Version: 1.0", b'Content-Type: multipart/mixed; boundary="frontier"', b"",
        b"a preamble", b"--frontier", b"Content-Type: text/plain", b"", b"see the attachment", b"--frontier",
        b"Content-Type: application/octet-stream", head, b"", *content.splitlines(), b"--frontier--", b"",
    ]  # fmt: skip
    return newline.join(lines)


VIRUS = attached(EICAR)


def at(text):
    address = parse_address(text)
    assert address is not None
    return address
