"""From the text of an SPF record to its terms (RFC 7208, 4.6, 5, 6 and 12)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from heliosphere.mta.rules.origin.spf.macros import Macro, MacroString, SpfSyntaxError, parse_macros
from heliosphere.mta.rules.origin.spf.names import TOP_LABEL
from heliosphere.mta.rules.origin.spf.values import SpfStatus

QUALIFIERS = {
    "+": SpfStatus.PASS,
    "-": SpfStatus.FAIL,
    "~": SpfStatus.SOFTFAIL,
    "?": SpfStatus.NEUTRAL,
}
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_VERSION = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")
_MECHANISM = re.compile(r"([-+~?]?)([A-Za-z][A-Za-z0-9_.-]*)(.*)", re.DOTALL)
_NUMBER = "(0|[1-9][0-9]{0,2})"
_LENGTHS = re.compile(rf"(?:/{_NUMBER})?(?://{_NUMBER})?\Z")
_ENDS_IN_FIXED = re.compile(r"(?<!%)(?:%%)*%[%_-]\Z")


@dataclass(frozen=True, slots=True)
class Directive:
    """`target` is None where the current domain is meant. `network` is for ip4 and ip6, `length4` and
    `length6` for a and mx. `text` is the term as written."""

    status: SpfStatus
    mechanism: str
    text: str
    target: MacroString | None = None
    network: Network | None = None
    length4: int = 32
    length6: int = 128
    local: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    directives: tuple[Directive, ...] = ()
    redirect: MacroString | None = None
    explanation: MacroString | None = None


def is_spf_record(text: str) -> bool:
    """Does it begin with `v=spf1` and a blank or the end? (4.5)"""
    return _VERSION.match(text) is not None


@lru_cache(maxsize=256)  # the records of the large providers are in everybody's
def parse_record(text: str) -> Record:
    """A whole record with its version. Raises SpfSyntaxError for anything not in the grammar, wherever
    it stands: a broken record is never half used (4.6)."""
    return parse_terms(text[len("v=spf1") :])


def parse_terms(text: str, *, local: bool = False) -> Record:
    """Terms without the version."""
    if not text.isascii():
        raise SpfSyntaxError("the record has characters outside ASCII")
    directives: list[Directive] = []
    modifiers: dict[str, MacroString] = {}
    for term in text.split(" "):
        if found := _MODIFIER.fullmatch(term):
            _take_modifier(modifiers, found[1].lower(), found[2], term)
        elif term:
            directive = _directive(term)
            directives.append(replace(directive, local=True) if local else directive)
    return Record(tuple(directives), modifiers.get("redirect"), modifiers.get("exp"))


def _take_modifier(modifiers: dict[str, MacroString], name: str, value: str, term: str) -> None:
    if name not in ("redirect", "exp"):
        parse_macros(value)  # unknown ones are ignored, yet must be well-formed (6)
    elif name in modifiers:
        raise SpfSyntaxError(f"{name}= is there twice")
    else:
        modifiers[name] = _domain_spec(value, term)


def _directive(term: str) -> Directive:
    found = _MECHANISM.fullmatch(term)
    parse = _PARSERS.get(found[2].lower()) if found else None
    if found is None or parse is None:
        raise SpfSyntaxError(f"{term!r} is no mechanism")
    plain = Directive(QUALIFIERS[found[1] or "+"], found[2].lower(), term)
    return parse(plain, found[3])


def _all(term: Directive, rest: str) -> Directive:
    if rest:
        raise SpfSyntaxError(f"{term.text!r}: all stands alone")
    return term


def _needs_domain(term: Directive, rest: str) -> Directive:
    return replace(term, target=_domain_spec(_after_colon(term, rest), term.text))


def _may_have_domain(term: Directive, rest: str) -> Directive:
    return _needs_domain(term, rest) if rest else term


def _hosts(term: Directive, rest: str) -> Directive:
    lengths = _LENGTHS.search(rest)
    if lengths is None:  # the pattern also fits the empty end
        raise SpfSyntaxError(f"{term.text!r} is broken")
    length4, length6 = (None if one is None else int(one) for one in lengths.groups())
    if (length4 or 0) > 32 or (length6 or 0) > 128:
        raise SpfSyntaxError(f"{term.text!r} has a network longer than an address")
    plain = _may_have_domain(term, rest[: lengths.start()])
    return replace(
        plain, length4=32 if length4 is None else length4, length6=128 if length6 is None else length6
    )


def _network(term: Directive, rest: str) -> Directive:
    address, slash, length = _after_colon(term, rest).partition("/")
    if slash and not re.fullmatch(_NUMBER, length):
        raise SpfSyntaxError(f"{term.text!r} has no network length")
    family = ipaddress.IPv4Network if term.mechanism == "ip4" else ipaddress.IPv6Network
    if "%" in address:  # a zone index, which the library would take
        raise SpfSyntaxError(f"{term.text!r} has no address")
    try:
        return replace(term, network=family(f"{address}{slash}{length}", strict=False))
    except ValueError as error:
        raise SpfSyntaxError(f"{term.text!r} has no address") from error


_PARSERS = {
    "all": _all,
    "include": _needs_domain,
    "exists": _needs_domain,
    "a": _hosts,
    "mx": _hosts,
    "ptr": _may_have_domain,
    "ip4": _network,
    "ip6": _network,
}


def _after_colon(term: Directive, rest: str) -> str:
    if not rest.startswith(":"):
        raise SpfSyntaxError(f"{term.text!r} lacks what it needs after a colon")
    return rest[1:]


def _domain_spec(text: str, term: str) -> MacroString:
    """A macro string that ends with a macro or with a top label and a dot before it (7.1)."""
    parts = parse_macros(text)
    if not parts:
        raise SpfSyntaxError(f"{term!r} names no domain")
    last = parts[-1]
    if isinstance(last, Macro) or _ENDS_IN_FIXED.search(text):
        return parts
    _, dot, top = last.removesuffix(".").rpartition(".")
    if not dot or not TOP_LABEL.fullmatch(top):
        raise SpfSyntaxError(f"{term!r} does not end in a domain")
    return parts
