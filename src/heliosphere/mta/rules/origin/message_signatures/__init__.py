"""Signatures over messages: DKIM (RFC 6376, 8301, 8463) and ARC (RFC 8617), to verify.

Keys are asked for as `dns_facts.Asking` does, all of a message at once. What is computed between question
and result is arithmetic and hashing over the message; callers with large messages run it in a thread.
"""

from heliosphere.mta.rules.origin.message_signatures.arc import MAX_ARC_SETS, ArcResult, verify_arc
from heliosphere.mta.rules.origin.message_signatures.dkim import (
    MAX_SIGNATURES,
    DkimResult,
    DkimStatus,
    verify_dkim,
)
from heliosphere.mta.rules.origin.message_signatures.message import Field, SignedMessage, as_signed

__all__ = [
    "MAX_ARC_SETS",
    "MAX_SIGNATURES",
    "ArcResult",
    "DkimResult",
    "DkimStatus",
    "Field",
    "SignedMessage",
    "as_signed",
    "verify_arc",
    "verify_dkim",
]
