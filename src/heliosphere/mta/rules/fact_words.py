"""Facts in words, for people who ask why."""

from __future__ import annotations

from heliosphere.mta.rules.clients.block_lists import ListVerdict
from heliosphere.mta.rules.clients.greylisting import GreylistDecision
from heliosphere.mta.rules.dns_facts import ClientName, DnsAnswer, DnsQuestion, Existence
from heliosphere.mta.rules.facts import (
    ClientNameOf,
    DomainExists,
    Fact,
    GreylistedOf,
    ListsOf,
    RecipientFacts,
    RecipientOf,
    SenderFacts,
    SenderOf,
    SpfOf,
    Unavailable,
)
from heliosphere.mta.rules.origin.spf import SpfResult


def asked_in_words(fact: Fact) -> str:
    match fact:
        case ClientNameOf(ip):
            return f"DNS name of {ip}"
        case DomainExists(domain):
            return f"DNS: MX, A, AAAA of {domain}"
        case SpfOf(request):
            return f"SPF of {request.sender or request.helo} from {request.ip}"
        case ListsOf(ip):
            return f"DNS lists about {ip}"
        case SenderOf(sender):
            return f"store: sender {sender}"
        case RecipientOf(recipient):
            return f"store: recipient {recipient}"
        case GreylistedOf(ip, sender, recipient):
            return f"greylist: {ip}, {sender}, {recipient}"


def found_in_words(value: object) -> str:
    match value:
        case Unavailable():
            return f"unknown: {value.reason}"
        case ClientName():
            return _client_name(value)
        case Existence():
            return value.value
        case SpfResult():
            return _spf(value)
        case ListVerdict():
            return "; ".join([value.outcome.value, *_answers(value.asked)])
        case SenderFacts():
            words = ["held here" if value.is_local else "not held here"]
            return ", ".join([*words, *(["same domain as the login"] if value.same_domain_as_login else [])])
        case RecipientFacts():
            return _recipient(value)
        case GreylistDecision():
            return value.reason.value
    return str(value)


def _client_name(value: ClientName) -> str:
    if value.has_ptr is None:
        return "the DNS does not answer"
    if not value.has_ptr:
        return "none"
    return value.name or "one that does not lead back to the address"


def _spf(value: SpfResult) -> str:
    words = [value.status.value]
    if value.mechanism:
        words.append(f"by {value.mechanism}")
    if value.problem:
        words.append(f"({value.problem})")
    return "; ".join([" ".join(words), *_answers(value.lookups)])


def _recipient(value: RecipientFacts) -> str:
    words = ["accepted domain" if value.is_accepted_domain else "not an accepted domain"]
    if value.mailbox is not None:
        words.append(f"mailbox {value.mailbox.value}")
    if value.is_full:
        words.append("full")
    return ", ".join([*words, value.detail] if value.detail else words)


def _answers(asked: tuple[tuple[DnsQuestion, DnsAnswer], ...]) -> list[str]:
    return [
        f"{question.kind} {question.name} = {' | '.join(answer.values) or answer.status.value}"
        for question, answer in asked
    ]
