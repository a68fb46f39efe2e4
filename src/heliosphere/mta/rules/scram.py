"""SCRAM-SHA-256 as the server speaks it (RFC 5802, RFC 7677), without channel binding."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

ITERATIONS = 4096
_HASH = "sha256"


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a server keeps of a password. `address` is the user's, empty for made-up keys."""

    address: str
    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


def keys_of(address: str, password: str, salt: bytes, iterations: int = ITERATIONS) -> ScramKeys:
    salted = hashlib.pbkdf2_hmac(_HASH, password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", _HASH)
    stored = hashlib.new(_HASH, client_key).digest()
    return ScramKeys(address, salt, iterations, stored, hmac.digest(salted, b"Server Key", _HASH))


@dataclass(frozen=True, slots=True)
class ScramFirst:
    """The client's first message: `bare` is what the proof covers."""

    name: str
    nonce: str
    bare: str
    gs2: str


def read_first(message: str) -> ScramFirst | None:
    """None for a malformed message, or one that wants channel binding or to act for somebody else."""
    flag, _, rest = message.partition(",")
    authzid, _, bare = rest.partition(",")
    if flag not in ("n", "y") or authzid:
        return None
    fields = bare.split(",")
    if len(fields) < 2 or not fields[0].startswith("n=") or not fields[1].startswith("r="):
        return None
    name = fields[0][2:].replace("=2C", ",").replace("=3D", "=")
    nonce = fields[1][2:]
    if not name or not nonce:
        return None
    return ScramFirst(name, nonce, bare, f"{flag},,")


def first_answer(first: ScramFirst, keys: ScramKeys, server_nonce: str) -> str:
    salt = base64.b64encode(keys.salt).decode()
    return f"r={first.nonce}{server_nonce},s={salt},i={keys.iterations}"


def check_final(first: ScramFirst, keys: ScramKeys, answer: str, message: str) -> str | None:
    """The server's signature, `v=…`, when the client's proof is right; None when it is not."""
    without_proof, _, proof_text = message.rpartition(",p=")
    fields = dict(part.partition("=")[::2] for part in without_proof.split(","))
    nonce = answer.partition(",")[0][2:]
    binding = base64.b64encode(first.gs2.encode()).decode()
    if fields.get("c") != binding or not hmac.compare_digest(fields.get("r", "").encode(), nonce.encode()):
        return None
    try:
        proof = base64.b64decode(proof_text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    covered = f"{first.bare},{answer},{without_proof}".encode()
    signature = hmac.digest(keys.stored_key, covered, _HASH)
    if len(proof) != len(signature):
        return None
    client_key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    if not hmac.compare_digest(hashlib.new(_HASH, client_key).digest(), keys.stored_key):
        return None
    return "v=" + base64.b64encode(hmac.digest(keys.server_key, covered, _HASH)).decode()
