"""A job as it travels from the panel to a node, and what the node says back.

The panel's job row is the truth. An envelope is one try at it: `fence` grows with every try on the
whole installation, so a node that has seen a higher fence for the same object refuses an older try
(a worker that was thought dead cannot undo newer work).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Literal

from heliosphere.contracts.codec import ContractError, contract, decode, encode

#: Bytes of the text of an answer; a longer one is refused by the node.
LARGEST_ANSWER = 2_000_000

JobStatus = Literal["done", "refused", "try_later", "cancelled", "stale", "crashed"]
Level = Literal["info", "warning", "error"]


@contract("job-envelope")
@dataclass(frozen=True, slots=True)
class JobEnvelope:
    """One try. `kind` is "<driver>.<verb>" (apply, remove, inspect); `spec` is that driver's contract.

    A question is "<desk>.ask"; its spec is one of the desk's question contracts.
    """

    job_id: int
    kind: str
    object_key: str
    node: str
    fence: int
    attempt: int
    spec: Any
    time_limit_seconds: int = 60


@contract("job-cancel")
@dataclass(frozen=True, slots=True)
class JobCancel:
    """Takes a try back that has not begun to change anything. Later tries of the job are not meant."""

    job_id: int
    fence: int


@contract("job-event")
@dataclass(frozen=True, slots=True)
class JobEvent:
    """One line of the live log. `step` of `steps` drives the progress bar (0 of 0: unknown)."""

    job_id: int
    fence: int
    text: str
    level: Level = "info"
    step: int = 0
    steps: int = 0


@contract("job-outcome")
@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a try ended.

    done: the wanted state is in place, `changes` names what was altered (empty: nothing had to be).
    refused: a person must change something; not tried again by itself. `advice` says what to do.
    try_later: the world is in the way (service down, disk full); tried again with growing delay.
    stale: a newer try already ran for this object; nothing was touched.
    crashed: our bug; tried again, then dead-lettered.

    `answer` is the text of the contract that answers a question, empty for everything else.
    """

    job_id: int
    fence: int
    status: JobStatus
    changes: tuple[str, ...] = ()
    code: str = ""
    message: str = ""
    advice: str = ""
    answer: str = ""


def seal(message: Any, key: bytes) -> str:
    """Sign a contract for a channel others can write to: hex HMAC-SHA256, a colon, canonical JSON."""
    body = encode(message)
    return f"{hmac.new(key, body.encode(), hashlib.sha256).hexdigest()}:{body}"


def unseal(text: str, key: bytes) -> Any:
    """The contract in a sealed text. Raises ContractError when the signature is not ours."""
    signature, colon, body = text.partition(":")
    expected = hmac.new(key, body.encode(), hashlib.sha256).hexdigest()
    if not colon or not hmac.compare_digest(signature.encode(), expected.encode()):
        raise ContractError("the signature does not match: not from our panel, or altered on the way")
    return decode(body)
