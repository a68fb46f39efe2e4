"""Signing messages in tests, by dkimpy and by hand over `cryptography`; the keys belong to nobody."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

Key = RSAPrivateKey | Ed25519PrivateKey
NAMES = ("from", "to", "subject", "date", "message-id")
LETTER = (
    b"From: Carl <carl@far.test>\r\n"
    b"To: alice@one.test\r\n"
    b"Subject:  Dinner  \t at\r\n  eight \r\n"
    b"Date: Thu, 7 Mar 2024 05:05:06 +0100\r\n"
    b"Message-ID: <1@far.test>\r\n"
    b"X-Unsigned: yes\r\n"
    b"\r\n"
    b"Hello  Alice, \r\n\r\n\tsee you\t there.\r\n\r\n\r\n"
)


@cache
def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


@cache
def ed25519_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def key_record(key: Key, extra: str = "") -> str:
    public = key.public_key()
    if isinstance(key, Ed25519PrivateKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; {extra}p={base64.b64encode(raw).decode()}"
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; {extra}p={base64.b64encode(der).decode()}"


def pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def signed_by_dkimpy(message: bytes, forms: tuple[bytes, bytes], *, length: bool = False) -> bytes:
    """With selector `s` of far.test and the 2048 bit key."""
    names = [name.encode() for name in NAMES]
    field = dkim.sign(
        message, b"s", b"far.test", pem(rsa_key()), canonicalize=forms, include_headers=names, length=length
    )
    return field + message


def signed(
    message: bytes = LETTER,
    key: Key | None = None,
    *,
    form: str = "relaxed/relaxed",
    names: tuple[str, ...] = NAMES,
    length: int | None = None,
    **tags: str | None,
) -> bytes:
    """A signature made here; `tags` replace or, as None, take out tags of the field."""
    key = key or rsa_key()
    header, _, body = message.partition(b"\r\n\r\n")
    header_form, body_form = form.split("/")
    text = (_relaxed_body if body_form == "relaxed" else _simple_body)(body)
    digest = hashlib.sha256(text if length is None else text[:length]).digest()
    algorithm = "ed25519-sha256" if isinstance(key, Ed25519PrivateKey) else "rsa-sha256"
    wanted = {"v": "1", "a": algorithm, "c": form, "d": "far.test", "s": "s", "h": ":".join(names),
              "l": None if length is None else str(length),
              "bh": base64.b64encode(digest).decode()} | tags  # fmt: skip
    unsigned = "; ".join(f"{name}={value}" for name, value in wanted.items() if value is not None) + "; b="
    fields = re.findall(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*", header + b"\r\n")
    own = f"DKIM-Signature: {unsigned}".encode()
    canonical = _relaxed_field if header_form == "relaxed" else bytes
    data = b"".join(canonical(one) for one in _chosen(fields, names)) + canonical(own + b"\r\n")[:-2]
    return own + base64.b64encode(_signature(key, data)) + b"\r\n" + message


def _signature(key: Key, data: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(hashlib.sha256(data).digest())
    return key.sign(data, PKCS1v15(), SHA256())


def _chosen(fields: list[bytes], names: tuple[str, ...]) -> list[bytes]:
    left = list(reversed(fields))
    chosen = []
    for name in names:
        found = next((one for one in left if one.lower().startswith(name.encode() + b":")), None)
        if found is not None:
            left.remove(found)
            chosen.append(found)
    return chosen


def _relaxed_field(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + b" ".join(re.split(rb"[ \t\r\n]+", value.strip())) + b"\r\n"


def _relaxed_body(body: bytes) -> bytes:
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _simple_body(body: bytes) -> bytes:
    return re.sub(rb"(\r\n)*\Z", b"", body, count=1) + b"\r\n"
