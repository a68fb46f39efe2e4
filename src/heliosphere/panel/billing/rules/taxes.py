"""Taxes on a document: each computed from the same net subtotal, rounded once, never compounded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from heliosphere.panel.billing.rules.charges import ChargeLine
from heliosphere.panel.platform.money import round_minor


@dataclass(frozen=True, slots=True)
class TaxRule:
    """A tax in parts per million (19 % is 190000), and where it is owed: inside or outside of a country."""

    description: str
    rate_ppm: int
    country: str = ""
    inside_country: bool = True

    def applies_to(self, country: str) -> bool:
        """No country: everywhere."""
        if not self.country:
            return True
        return (country.upper() == self.country.upper()) is self.inside_country


@dataclass(frozen=True, slots=True)
class TaxLine:
    description: str
    rate_ppm: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Document:
    """A bill before it has a number. total = subtotal + taxes, always."""

    lines: tuple[ChargeLine, ...]
    taxes: tuple[TaxLine, ...]

    @property
    def subtotal_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def tax_minor(self) -> int:
        return sum(tax.amount_minor for tax in self.taxes)

    @property
    def total_minor(self) -> int:
        return self.subtotal_minor + self.tax_minor


def document(lines: Sequence[ChargeLine], rules: Iterable[TaxRule], country: str) -> Document:
    """The bill for `lines` to a customer in `country` (ISO 3166, two letters)."""
    subtotal = sum(line.amount_minor for line in lines)
    taxes = tuple(
        TaxLine(rule.description, rule.rate_ppm, round_minor(Decimal(subtotal) * rule.rate_ppm / 1_000_000))
        for rule in rules
        if rule.applies_to(country)
    )
    return Document(tuple(lines), taxes)
