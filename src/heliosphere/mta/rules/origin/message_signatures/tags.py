"""Tag lists: `v=1; a=rsa-sha256; …` (RFC 6376, 3.2)."""

from __future__ import annotations

import base64
import binascii
import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WHITE = re.compile(r"[ \t\r\n]+")
_VALUE = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*")
_NUMBER = re.compile(r"[0-9]{1,76}")


class TagError(Exception):
    """What is wrong with a tag list; the text is for a reason= or a log."""


def parse_tags(text: str) -> dict[str, str]:
    """Values without the white space around them. Raises TagError."""
    tags: dict[str, str] = {}
    specs = text.split(";")
    if not specs[-1].strip(" \t\r\n"):
        specs.pop()
    for spec in specs:
        name, equals, value = (part.strip(" \t\r\n") for part in spec.partition("="))
        if not equals or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise TagError("tag list is broken")
        if name in tags:
            raise TagError(f"tag {name}= is there twice")
        tags[name] = value
    return tags


def needed(tags: dict[str, str], name: str) -> str:
    """Raises TagError for an absent or empty tag."""
    value = tags.get(name, "")
    if not value:
        raise TagError(f"tag {name}= is missing")
    return value


def number(tags: dict[str, str], name: str) -> int | None:
    """Raises TagError for what is no number."""
    if name not in tags:
        return None
    if not _NUMBER.fullmatch(tags[name]):
        raise TagError(f"tag {name}= is no number")
    return int(tags[name])


def base64_value(text: str, name: str) -> bytes:
    """White space inside is allowed. Raises TagError."""
    try:
        return base64.b64decode(_WHITE.sub("", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise TagError(f"tag {name}= is not base64") from error


def without_white(text: str) -> str:
    return _WHITE.sub("", text)


def without_signature(raw: bytes) -> bytes:
    """A signature field with the value of its b= taken out, and without its last line end (3.7)."""
    name, colon, value = raw.removesuffix(b"\r\n").partition(b":")
    specs = value.split(b";")
    for at, spec in enumerate(specs):
        tag, equals, _ = spec.partition(b"=")
        if equals and tag.strip(b" \t\r\n") == b"b":
            specs[at] = tag + equals
    return name + colon + b";".join(specs)
