"""Controls of the queue and of delivery."""

from __future__ import annotations

from heliosphere.contracts.controls import line_checks as check
from heliosphere.contracts.controls.registry import REGISTRY

_BY = ("send",)

CONCURRENCYLOCAL = REGISTRY.number(
    "concurrencylocal",
    50,
    "Local deliveries at the same time; 0 pauses them.",
    _BY,
    stage="queue",
    at_most=500,
)
CONCURRENCYREMOTE = REGISTRY.number(
    "concurrencyremote",
    100,
    "Remote deliveries at the same time; 0 pauses them.",
    _BY,
    stage="queue",
    at_most=500,
)
QUEUELIFETIME = REGISTRY.number(
    "queuelifetime",
    604800,
    "Seconds a message is tried before it goes back to its sender.",
    _BY,
    stage="queue",
)
TIMEOUTCONNECT = REGISTRY.number(
    "timeoutconnect",
    60,
    "Seconds to wait for a remote host to take the connection.",
    _BY,
    stage="queue",
    at_least=1,
)
TIMEOUTREMOTE = REGISTRY.number(
    "timeoutremote", 1200, "Seconds to wait for each answer of a remote host.", _BY, stage="queue", at_least=1
)
SMTPROUTES = REGISTRY.lines(
    "smtproutes",
    "Fixed routes, as domain:relay:port; no relay means the usual way.",
    _BY,
    stage="queue",
    in_panel=False,
)
HELOHOST = REGISTRY.text(
    "helohost", None, "Name given to remote hosts; the server's if absent.", _BY, stage="queue"
)
BOUNCEFROM = REGISTRY.text(
    "bouncefrom", "MAILER-DAEMON", "Local part of the author of bounces.", _BY, stage="bounce",
    line_check=check.plain_word,
)  # fmt: skip
BOUNCEHOST = REGISTRY.text(
    "bouncehost", None, "Domain of the author of bounces; the server's if absent.", _BY, stage="bounce"
)
DOUBLEBOUNCETO = REGISTRY.text(
    "doublebounceto",
    "postmaster",
    "User that gets bounces nobody else can; empty throws them away.",
    _BY,
    stage="bounce",
    empty_means="Such bounces are thrown away.",
)
DOUBLEBOUNCEHOST = REGISTRY.text(
    "doublebouncehost", None, "Domain of that user; the server's if absent.", _BY, stage="bounce"
)
