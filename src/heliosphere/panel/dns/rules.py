"""Records of a zone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TTL = 3600


@dataclass(frozen=True, slots=True)
class RecordValue:
    """One record: `name` relative to the zone ("" is the zone itself), `value` in zone file form."""

    name: str
    type: str
    value: str
    ttl: int = TTL


def txt_value(text: str) -> str:
    """A TXT value in zone file form: quoted strings of at most 255 octets (RFC 1035, 3.3.14)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    parts = [escaped[at : at + 255] for at in range(0, len(escaped), 255)] or [""]
    return " ".join(f'"{part}"' for part in parts)


def web_records(ip: str) -> list[RecordValue]:
    kind = "AAAA" if ":" in ip else "A"
    return [RecordValue("", kind, ip), RecordValue("www", kind, ip)]


def mail_records(mail_host: str, ip: str) -> list[RecordValue]:
    """MX to the mail server, a name for clients, and SPF: only our servers send (RFC 7208)."""
    return [
        RecordValue("", "MX", f"10 {mail_host}."),
        RecordValue("mail", "CNAME", f"{mail_host}."),
        RecordValue("", "TXT", txt_value(f"v=spf1 mx a ip{'6' if ':' in ip else '4'}:{ip} ~all")),
    ]


def absolute(name: str, zone: str) -> str:
    return f"{name}.{zone}." if name else f"{zone}."


def record_sets(records: Sequence[RecordValue], zone: str) -> list[tuple[str, str, int, tuple[str, ...]]]:
    """Records grouped as RFC 2181 wants them: one TTL (the lowest) per name and type, values in order."""
    groups: dict[tuple[str, str], list[RecordValue]] = {}
    for record in records:
        groups.setdefault((absolute(record.name, zone), record.type), []).append(record)
    return [
        (
            name,
            kind,
            min(record.ttl for record in group),
            tuple(dict.fromkeys(record.value for record in group)),
        )
        for (name, kind), group in sorted(groups.items())
    ]
