"""The bill a visitor agreed to, kept as JSON so that what is booked is what was shown."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from typing import Any

from heliosphere.panel.billing.rules.charges import ChargeLine
from heliosphere.panel.billing.rules.taxes import Document, TaxLine
from heliosphere.panel.catalog import queries as catalog
from heliosphere.panel.catalog.rules import period_end
from heliosphere.panel.signup.models import SignupRequest


def agreed_document(row: SignupRequest) -> Document:
    """The bill the visitor confirmed."""
    return document_from_json(row.agreed or {})


def document_as_json(document: Document) -> dict[str, object]:
    lines = [asdict(line) | {"begin": str(line.begin), "end": str(line.end)} for line in document.lines]
    return {"lines": lines, "taxes": [asdict(tax) for tax in document.taxes]}


def document_from_json(agreed: dict[str, list[dict[str, Any]]]) -> Document:
    lines = [_linedocument_from_json(line) for line in agreed.get("lines", [])]
    return Document(tuple(lines), tuple(TaxLine(**tax) for tax in agreed.get("taxes", [])))


def _linedocument_from_json(line: dict[str, Any]) -> ChargeLine:
    return ChargeLine(
        **(line | {"begin": date.fromisoformat(line["begin"]), "end": date.fromisoformat(line["end"])})
    )


def rebased(document: Document, row: SignupRequest, today: date) -> Document:
    """The agreed amounts with the period beginning today: a period starts when the account opens."""
    assert row.period is not None
    end = period_end(today, catalog.period_terms(row.period))
    lines = tuple(
        replace(line, begin=today, end=end if line.kind == "recurrent" else today) for line in document.lines
    )
    return Document(lines, document.taxes)
