"""The host's own rules: spfrules go into what a domain publishes, spfguess is for domains without."""

from __future__ import annotations

from dataclasses import replace

from heliosphere.mta.rules.origin.spf.macros import SpfSyntaxError
from heliosphere.mta.rules.origin.spf.record import (
    Directive,
    Record,
    is_spf_record,
    parse_record,
    parse_terms,
)
from heliosphere.mta.rules.origin.spf.values import SpfStatus


def local_rules(text: str) -> tuple[Directive, ...]:
    """The terms of spfrules; none if they are broken, since they must not spoil every check."""
    try:
        return _parse_rules(text)
    except SpfSyntaxError:
        return ()


def guessed_record(text: str) -> Record | None:
    """The record spfguess stands for, with or without its version; None if it is broken or empty."""
    if not text.strip():
        return None
    try:
        return _parse_guess(text)
    except SpfSyntaxError:
        return None


def rules_problem(text: str) -> str | None:
    """Why spfrules are not used as they stand, or None."""
    try:
        _parse_rules(text)
    except SpfSyntaxError as error:
        return str(error)
    return None


def guess_problem(text: str) -> str | None:
    """Why spfguess is not used as it stands, or None."""
    try:
        _parse_guess(text)
    except SpfSyntaxError as error:
        return str(error)
    return None


def rules_warning(text: str) -> str | None:
    """What is allowed in spfrules but hardly meant: `all` decides for every client of every domain."""
    if any(term.mechanism == "all" for term in local_rules(text)):
        return "all in spfrules overrides the failing end of every domain's rules"
    return None


def with_local_rules(record: Record, rules: tuple[Directive, ...]) -> Record:
    """`rules` stand before the trailing run of terms that cannot pass and ends with `all`, or at the end
    where no `all` is: so they have their say before fail, softfail or neutral would result."""
    terms = record.directives
    end = next((at for at, term in enumerate(terms) if term.mechanism == "all"), None)
    if end is None:
        return replace(record, directives=terms + rules)
    first = end + 1
    while first > 0 and terms[first - 1].status is not SpfStatus.PASS:
        first -= 1
    return replace(record, directives=(*terms[:first], *rules, *terms[first : end + 1]))


def _parse_rules(text: str) -> tuple[Directive, ...]:
    record = parse_terms(text.strip(), local=True)
    if record.redirect is not None or record.explanation is not None:
        raise SpfSyntaxError("redirect= and exp= have no place in local rules")
    return record.directives


def _parse_guess(text: str) -> Record:
    plain = text.strip()
    return parse_record(plain) if is_spf_record(plain) else parse_terms(plain)
