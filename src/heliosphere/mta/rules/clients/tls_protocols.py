"""Which TLS versions are offered: the comma list of the control `tlsprotocols`."""

from __future__ import annotations

from dataclasses import dataclass

from heliosphere.contracts.controls.words import TLS_OBSOLETE as OBSOLETE
from heliosphere.contracts.controls.words import TLS_OFFERED as OFFERED

_SPELLINGS = {name.lower(): name for name in (*OFFERED, *OBSOLETE)} | {"tlsv1.0": "TLSv1"}


@dataclass(frozen=True, slots=True)
class TlsProtocols:
    """`usable` in order of age; empty: TLS is off. `words` as written, in their usual spelling."""

    usable: tuple[str, ...]
    words: tuple[str, ...] = ()
    obsolete: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def explanations(self) -> list[str]:
        """One sentence for each word that is not offered."""
        lines = [
            f"{name} is not offered: it can be broken and was withdrawn ({OBSOLETE[name]})"
            for name in self.obsolete
        ]
        return lines + [
            f"{word} is not a TLS version: there are {', '.join(OFFERED)}" for word in self.unknown
        ]


def parse_tls_protocols(text: str) -> TlsProtocols:
    """Case and blanks do not matter."""
    written = [word.strip() for word in text.split(",") if word.strip()]
    words = tuple(dict.fromkeys(_SPELLINGS.get(word.lower(), word) for word in written))
    return TlsProtocols(
        tuple(name for name in OFFERED if name in words),
        words,
        tuple(word for word in words if word in OBSOLETE),
        tuple(word for word in words if word not in OBSOLETE and word not in OFFERED),
    )
