"""Public keys from the DNS and what they say about a signature (RFC 6376, 3.6.1; RFC 8301; RFC 8463)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from heliosphere.mta.rules.dns_facts import DnsAnswer, DnsQuestion, DnsStatus
from heliosphere.mta.rules.origin.message_signatures.tags import (
    TagError,
    base64_value,
    needed,
    parse_tags,
    without_white,
)
from heliosphere.mta.rules.origin.spf.names import ascii_domain, askable

KeyTrouble = Literal["temperror", "permerror", "policy"]
ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
OBSOLETE = "rsa-sha1"
MIN_RSA_BITS = 1024
MAX_RSA_BITS = 8192
"""Larger ones are nobody's key and cost time."""


class KeyUnusable(Exception):
    """`trouble` is the DKIM result it leads to."""

    def __init__(self, trouble: KeyTrouble, text: str) -> None:
        super().__init__(text)
        self.trouble: KeyTrouble = trouble


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """`exact`: the signer's i= must be of the very domain d= (flag s). `testing`: flag y."""

    key: RSAPublicKey | Ed25519PublicKey
    exact: bool = False
    testing: bool = False


def key_question(selector: str, domain: str) -> DnsQuestion | None:
    """None if there is no such name."""
    ascii_selector, ascii_name = ascii_domain(selector), ascii_domain(domain)
    if ascii_selector is None or ascii_name is None:
        return None
    name = askable(f"{ascii_selector}._domainkey.{ascii_name}")
    return None if name is None else DnsQuestion(name, "TXT")


def key_from(answer: DnsAnswer, algorithm: str) -> KeyRecord:
    """The key for `algorithm`; of several records the first that looks like one. Raises KeyUnusable."""
    if answer.status is DnsStatus.FAILED:
        raise KeyUnusable("temperror", "the DNS does not answer for the key")
    records = [text for text in answer.values if "p=" in text.replace(" ", "")]
    if not records:
        raise KeyUnusable("permerror", "no key")
    try:
        return _parsed(records[0], algorithm)
    except TagError as error:
        raise KeyUnusable("permerror", f"key record: {error}") from error


@lru_cache(maxsize=256)
def _parsed(text: str, algorithm: str) -> KeyRecord:
    tags = parse_tags(text)
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        raise TagError("unknown version")
    kind = tags.get("k", "rsa")
    if kind != ALGORITHMS[algorithm]:
        raise KeyUnusable("permerror", f"the key is for {kind[:20]}")
    if not _allows(tags.get("h", "sha256"), "sha256") or not _allows(tags.get("s", "*"), "email", "*"):
        raise KeyUnusable("permerror", "the key is for other uses")
    if tags.get("p") == "":
        raise KeyUnusable("permerror", "the key was revoked")
    flags = without_white(tags.get("t", "")).split(":")
    key = _loaded(kind, base64_value(needed(tags, "p"), "p"))
    return KeyRecord(key, exact="s" in flags, testing="y" in flags)


def _allows(listed: str, *wanted: str) -> bool:
    return not set(without_white(listed).lower().split(":")).isdisjoint(wanted)


def _loaded(kind: str, data: bytes) -> RSAPublicKey | Ed25519PublicKey:
    try:
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(data)
        key = load_der_public_key(data)  # takes SubjectPublicKeyInfo and bare PKCS #1
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise TagError("the key cannot be read") from error
    if not isinstance(key, RSAPublicKey):
        raise TagError("the key is no RSA key")
    if key.key_size < MIN_RSA_BITS:
        raise KeyUnusable("policy", f"RSA key of {key.key_size} bits is too short")
    if key.key_size > MAX_RSA_BITS:
        raise KeyUnusable("policy", f"RSA key of {key.key_size} bits is too long")
    return key


def is_signed_by(record: KeyRecord, signature: bytes, data: bytes) -> bool:
    """Is `signature` one of this key over the SHA-256 of `data`?"""
    digest = hashlib.sha256(data).digest()
    try:
        if isinstance(record.key, Ed25519PublicKey):
            record.key.verify(signature, digest)
        else:
            record.key.verify(signature, digest, PKCS1v15(), Prehashed(SHA256()))
    except InvalidSignature:
        return False
    return True
