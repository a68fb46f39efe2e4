"""The text that goes with a refusal (RFC 7208, 6.2; spfexp)."""

from __future__ import annotations

from heliosphere.mta.rules.origin.spf.macros import IN_EXPLANATIONS, MacroString, SpfSyntaxError, parse_macros

DEFAULT_EXPLANATION = "SPF check of %{o} failed for %{i}"
MAX_EXPLANATION = 500
"""Bytes, so that the reply stays within SMTP's line with its code and status."""


def parse_explanation(text: str) -> MacroString:
    """Raises SpfSyntaxError."""
    return parse_macros(text, IN_EXPLANATIONS, spaces=True)


def explanation_problem(text: str) -> str | None:
    """Why spfexp is not used as it stands, or None."""
    try:
        parse_explanation(text)
    except SpfSyntaxError as error:
        return str(error)
    return None


def own_explanation(spfexp: str) -> MacroString:
    """spfexp, or the default where it is empty or broken."""
    usable = spfexp.strip() and explanation_problem(spfexp) is None
    return parse_explanation(spfexp if usable else DEFAULT_EXPLANATION)


def clean(text: str) -> str:
    """What may be sent in a reply: printable ASCII, cut at 500 bytes."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:MAX_EXPLANATION].rstrip()
