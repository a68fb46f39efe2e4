"""Measured use of resources, reported by nodes and charged by the panel."""

from __future__ import annotations

from dataclasses import dataclass

from heliosphere.contracts.codec import contract


@contract("mailbox-usage")
@dataclass(frozen=True, slots=True)
class MailboxUsage:
    """Bytes and messages stored in one mailbox when the node looked."""

    address: str
    bytes_used: int
    messages: int
