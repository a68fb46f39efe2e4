"""The zonedata of the SPF suites as answers: CNAMEs followed, TIMEOUT entries failing."""

from __future__ import annotations

from heliosphere.mta.rules.dns_facts import FAILED, NO_DATA, NO_NAME, DnsAnswer, DnsQuestion, DnsStatus

MAX_ALIASES = 10


class SuiteZone:
    """`zonedata`: names to lists of `{kind: value}` or the word TIMEOUT, as the suites' format says.

    Where a name has no TXT entries, its SPF (type 99) entries count as TXT; the entry `TXT: NONE` takes
    that away.
    """

    def __init__(self, zonedata: dict) -> None:
        self._entries = {str(name).lower().rstrip("."): entries or [] for name, entries in zonedata.items()}
        self.asked: list[DnsQuestion] = []

    def __call__(self, question: DnsQuestion) -> DnsAnswer:
        self.asked.append(question)
        return self._answer(question.name, question.kind, MAX_ALIASES)

    def _answer(self, name: str, kind: str, aliases: int) -> DnsAnswer:
        entries = self._entries.get(name)
        if entries is None:
            return NO_NAME
        records = [next(iter(one.items())) for one in entries if isinstance(one, dict)]
        values = [value for found, value in records if found == kind]
        if kind == "TXT":
            values = self._texts(records)
        timeout = any(value == "TIMEOUT" for value in values)
        if timeout or (not values and "TIMEOUT" in entries):
            return FAILED
        if values:
            return DnsAnswer(DnsStatus.FOUND, tuple(_text(kind, value) for value in values))
        alias = next((value for found, value in records if found == "CNAME"), None)
        if alias is None:
            return NO_DATA
        return self._answer(alias.lower().rstrip("."), kind, aliases - 1) if aliases else FAILED

    def _texts(self, records: list) -> list:
        texts = [value for found, value in records if found == "TXT"]
        if texts == ["NONE"]:
            return []
        return texts or [value for found, value in records if found == "SPF"]


def _text(kind: str, value: object) -> str:
    if kind == "MX":
        preference, host = value  # type: ignore[misc]
        return f"{preference} {host.rstrip('.') or '.'}"
    if kind == "TXT":
        joined = value if isinstance(value, str) else "".join(value)  # type: ignore[arg-type]
        # YAML escapes like \x96 are characters; each is one byte of the record.
        return joined.encode("latin-1", "replace").decode("latin-1")
    return str(value).rstrip(".")
