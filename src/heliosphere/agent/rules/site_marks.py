"""The first line of every site file we write: whose it is and what it was made from."""

from __future__ import annotations

import hashlib

from heliosphere.contracts.codec import ContractError, decode, encode
from heliosphere.contracts.sites import SiteSpec

_MARK = "# made by heliosphere, changes are overwritten: "
_VERSION_MARK = "site-version-"
VERSION_HERE = "@site-version@"
"""Stands in a rendered text where `with_version` puts the version."""


def first_line(spec: SiteSpec) -> str:
    return _MARK + encode(spec)


def spec_in(conf: str) -> SiteSpec | None:
    """The spec a site file was made from; None when the file is not ours."""
    line = conf.split("\n", 1)[0]
    if not line.startswith(_MARK):
        return None
    try:
        spec = decode(line.removeprefix(_MARK))
    except ContractError:
        return None
    return spec if isinstance(spec, SiteSpec) else None


def with_version(conf: str) -> str:
    """Put a short name for exactly this text in it: what the site answers once the file is served."""
    return conf.replace(VERSION_HERE, _VERSION_MARK + hashlib.sha256(conf.encode()).hexdigest()[:16])


def version_in(conf: str) -> str:
    """The version a served site answers. The text must come from `with_version`."""
    start = conf.index(_VERSION_MARK)
    return conf[start : start + len(_VERSION_MARK) + 16]
