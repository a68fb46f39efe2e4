"""What is fuzzed: for each reader of foreign bytes a function that takes any bytes and may not fail.

Beyond "no crash" each says what must hold whatever comes: the same result however the bytes are cut, what
was read can be written and read again, fast look-up finds what slow look-up finds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.mta.fuzz import mail, session, tables

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 1.0
"""Seconds of processor time for one input."""


@dataclass(frozen=True)
class Target:
    """`words` are the pieces that its inputs are made of."""

    name: str
    try_one: Callable[[bytes], None]
    words: tuple[bytes, ...]

    def check(self, data: bytes) -> None:
        """Raises for a bug, and for an input that takes too long."""
        begun = time.thread_time()
        self.try_one(data)
        spent = time.thread_time() - begun
        assert spent < LONGEST, f"{spent:.1f} s for {data[:200]!r}"

    def corpus(self) -> list[Path]:
        return sorted((CORPUS / self.name).glob("*"))


TARGETS = {
    target.name: target
    for target in (
        Target("session", session.try_session, session.WORDS),
        Target("commands", session.try_commands, session.WORDS),
        Target("data", session.try_data, session.DATA_WORDS),
        Target("bdat", session.try_chunks, session.DATA_WORDS),
        Target("proxy", session.try_proxy_header, session.PROXY_WORDS),
        Target("controls", tables.try_controls, tables.CONTROL_WORDS),
        Target("patterns", tables.try_patterns, tables.PATTERN_WORDS),
        Target("tcp_rules", tables.try_tcp_rules, tables.TCP_WORDS),
        Target("block_lists", tables.try_block_lists, tables.ZONE_WORDS),
        Target("plugins", tables.try_plugins, tables.PLUGIN_WORDS),
        Target("cdb", tables.try_cdb, tables.CDB_WORDS),
        Target("spf", mail.try_spf, mail.SPF_WORDS),
        Target("dmarc", mail.try_dmarc, mail.DMARC_WORDS),
        Target("authentication_results", mail.try_authentication_results, mail.FIELD_WORDS),
        Target("content", mail.try_content_filter, mail.MIME_WORDS),
    )
}
