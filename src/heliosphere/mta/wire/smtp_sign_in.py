"""AUTH, line by line: PLAIN, LOGIN, CRAM-MD5 and SCRAM-SHA-256 (RFC 4954, 4616, 2195, 7677)."""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import dataclass
from typing import cast

from heliosphere.mta.rules import replies, scram
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.wire.smtp_commands import as_text, decode_base64, split_plain
from heliosphere.mta.wire.smtp_questions import FindKeys, SignIn, SignInByDigest, SignInByProof, SignInFailed


@dataclass(frozen=True, slots=True)
class Challenge:
    """Say `334 text`; the client's next line comes back, None when the client gave up."""

    text: str


Talk = Generator[Challenge | SignIn | SignInByDigest | FindKeys | SignInByProof, object, Reply | str]
"""Ends with the user's address, or with the reply that says why not."""

USERNAME = "VXNlcm5hbWU6"
PASSWORD = "UGFzc3dvcmQ6"


def sign_in(method: str, initial: str, nonce: str) -> Talk:
    """The talk of one AUTH command. `initial` is what came with it; `nonce` was never used before."""
    if method == "PLAIN":
        return _plain(initial)
    if method == "LOGIN":
        return _login(initial)
    if method == "CRAM-MD5":
        return _cram_md5(initial, nonce)
    return _scram(initial, nonce)


def _line(text: str) -> Generator[Challenge, object, str | None]:
    answer = yield Challenge(text)
    return cast(str | None, answer)


def _decoded(line: str) -> bytes | None:
    """None for what is empty or no base64; `=` alone is the empty initial response of RFC 4954."""
    return decode_base64(line) or None


def _plain(initial: str) -> Talk:
    line = initial or (yield from _line(""))
    if line is None:
        return replies.AUTH_ABORTED
    data = _decoded(line)
    pair = split_plain(data) if data else None
    if pair is None:
        return replies.AUTH_MALFORMED
    return _outcome((yield SignIn(*pair, method="PLAIN")))


def _login(initial: str) -> Talk:
    line = initial or (yield from _line(USERNAME))
    if line is None:
        return replies.AUTH_ABORTED
    name = _decoded(line)
    if name is None:
        return replies.AUTH_MALFORMED
    line = yield from _line(PASSWORD)
    if line is None:
        return replies.AUTH_ABORTED
    password = _decoded(line)
    if password is None:
        return replies.AUTH_MALFORMED
    return _outcome((yield SignIn(as_text(name), as_text(password), method="LOGIN")))


def _cram_md5(initial: str, nonce: str) -> Talk:
    if initial:
        return replies.AUTH_MALFORMED
    challenge = nonce.encode()
    line = yield from _line(base64.b64encode(challenge).decode())
    if line is None:
        return replies.AUTH_ABORTED
    name, _, digest = as_text(_decoded(line) or b"").rpartition(" ")
    if not name or not digest:
        return replies.AUTH_MALFORMED
    return _outcome((yield SignInByDigest(name, challenge, digest.lower())))


def _scram(initial: str, nonce: str) -> Talk:
    line = initial or (yield from _line(""))
    if line is None:
        return replies.AUTH_ABORTED
    first = scram.read_first(as_text(_decoded(line) or b""))
    if first is None:
        return replies.AUTH_MALFORMED
    keys = yield FindKeys(first.name)
    if not isinstance(keys, scram.ScramKeys):
        return _outcome(keys)
    answer = scram.first_answer(first, keys, base64.b64encode(nonce.encode()).decode().rstrip("="))
    line = yield from _line(base64.b64encode(answer.encode()).decode())
    if line is None:
        return replies.AUTH_ABORTED
    final = _decoded(line)
    if final is None:
        return replies.AUTH_MALFORMED
    signature = scram.check_final(first, keys, answer, as_text(final))
    outcome = _outcome((yield SignInByProof(first.name, keys, signature is not None)))
    if isinstance(outcome, str) and signature is not None:
        line = yield from _line(base64.b64encode(signature.encode()).decode())
        if line is None:
            return replies.AUTH_ABORTED
    return outcome


def _outcome(value: object) -> Reply | str:
    if isinstance(value, str):
        return value
    if value is SignInFailed.UNAVAILABLE:
        return replies.AUTH_UNAVAILABLE
    if value is SignInFailed.BLOCKED:
        return replies.SIGN_IN_BLOCKED
    return replies.WRONG_PASSWORD
