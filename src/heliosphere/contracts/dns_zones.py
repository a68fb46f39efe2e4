"""DNS zones as the panel wants them and a name server has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heliosphere.contracts.codec import contract

RecordType = Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT", "CAA", "TLSA"]


@contract("record-set")
@dataclass(frozen=True, slots=True)
class RecordSet:
    """All values of one name and type (RFC 2181, section 5). Names are absolute, with the final dot.

    Values are in zone file form: "10 mail.two.test." for MX, quoted strings for TXT.
    """

    name: str
    type: RecordType
    ttl: int
    values: tuple[str, ...]


@contract("dns-zone")
@dataclass(frozen=True, slots=True)
class ZoneSpec:
    """A zone whole. `name` has no final dot. The serial is the name server's own (SOA-EDIT)."""

    name: str
    nameservers: tuple[str, ...]
    hostmaster: str
    records: tuple[RecordSet, ...]
    refresh: int = 10800
    retry: int = 3600
    expire: int = 604800
    minimum: int = 3600
