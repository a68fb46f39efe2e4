"""check_host(): from a client, a sender and the DNS to an SPF result (RFC 7208, 4 to 6)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace

from heliosphere.mta.rules.dns_facts import Asking, DnsAnswer, DnsQuestion, DnsStatus, Kind
from heliosphere.mta.rules.origin.spf.explain import clean, own_explanation, parse_explanation
from heliosphere.mta.rules.origin.spf.local import guessed_record, local_rules, with_local_rules
from heliosphere.mta.rules.origin.spf.macros import MacroString, SpfSyntaxError, expand, names_client
from heliosphere.mta.rules.origin.spf.names import MAX_NAME, ascii_domain, askable, checked_domain
from heliosphere.mta.rules.origin.spf.record import Directive, Network, Record, is_spf_record, parse_record
from heliosphere.mta.rules.origin.spf.values import (
    RFC_7208,
    SpfLimits,
    SpfRequest,
    SpfResult,
    SpfSource,
    SpfStatus,
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NO_SPF_RECORD = "no SPF record"


def check_host(request: SpfRequest, limits: SpfLimits = RFC_7208) -> Asking[SpfResult]:
    """The SPF result for one client and sender, with the host's local rules put in.

    A domain that publishes nothing is judged by spfguess and spfrules; where no term of theirs matches,
    or the guess cannot be evaluated, the result is none. Errors in spfrules never change a result but
    for a DNS failure: then nobody knows whether a local rule would have let the client in.
    """
    return (yield from _Evaluation(request, limits).result())


class _PermError(Exception):
    pass


class _TempError(Exception):
    pass


@dataclass(slots=True)
class _Budget:
    """What is left of the DNS terms and void answers of one set of rules."""

    terms: int
    voids: int

    def spend_term(self) -> None:
        self.terms -= 1
        if self.terms < 0:
            raise _PermError("too many terms that need the DNS")

    def spend_void(self) -> None:
        self.voids -= 1
        if self.voids < 0:
            raise _PermError("too many lookups without an answer")


@dataclass(frozen=True, slots=True)
class _Decision:
    """What a record came to. `term` is None when nothing matched; `owner` is the domain whose record
    had the last word, `record` that record."""

    status: SpfStatus
    owner: str = ""
    term: Directive | None = None
    record: Record = field(default_factory=Record)
    problem: str = ""


class _Evaluation:
    def __init__(self, request: SpfRequest, limits: SpfLimits) -> None:
        self._request = request
        self._limits = limits
        self._address = _client(request.ip)
        self._kind: Kind = "A" if self._address.version == 4 else "AAAA"
        self._local, self._domain = _identity(request)
        self._rules = local_rules(request.rules)
        self._budget = self._fresh_budget()
        self._local_budget = self._fresh_budget()
        self._lookups: list[tuple[DnsQuestion, DnsAnswer]] = []
        self._client_names: list[str] | None = None

    def _fresh_budget(self) -> _Budget:
        return _Budget(self._limits.terms, self._limits.void)

    # The whole check

    def result(self) -> Asking[SpfResult]:
        domain = checked_domain(self._domain)
        if domain is None:
            return self._answer(_Decision(SpfStatus.NONE, problem="no domain that can have a policy"), "")
        self._domain = domain
        decision = yield from self._guarded(self._published(domain, self._rules))
        source = SpfSource.PUBLISHED
        if decision.status is SpfStatus.NONE:
            decision, source = yield from self._unpublished()
        if decision.term is not None and decision.term.local:
            source = SpfSource.LOCAL
        text = yield from self._explanation(decision, source)
        return self._answer(decision, text, source)

    def _unpublished(self) -> Asking[tuple[_Decision, SpfSource]]:
        """The guess with the local rules in it; the local rules alone when it is absent or fails."""
        guess = guessed_record(self._request.guess)
        if guess is not None:
            record = with_local_rules(guess, self._rules)
            guessed = yield from self._guarded(self._evaluated(record, self._domain, ()))
            if guessed.status not in (SpfStatus.TEMPERROR, SpfStatus.PERMERROR):
                return _none_if_unmatched(guessed), SpfSource.GUESS
        self._budget = self._fresh_budget()
        self._local_budget = self._fresh_budget()
        alone = yield from self._guarded(self._evaluated(Record(self._rules), self._domain, ()))
        return _none_if_unmatched(alone), SpfSource.PUBLISHED

    def _guarded(self, asking: Asking[_Decision]) -> Asking[_Decision]:
        try:
            return (yield from asking)
        except _PermError as error:
            return _Decision(SpfStatus.PERMERROR, problem=str(error))
        except _TempError as error:
            return _Decision(SpfStatus.TEMPERROR, problem=str(error))

    def _answer(
        self, decision: _Decision, explanation: str, source: SpfSource = SpfSource.PUBLISHED
    ) -> SpfResult:
        return SpfResult(
            decision.status,
            self._domain,
            explanation,
            tuple(self._lookups),
            decision.term.text if decision.term else "",
            decision.problem,
            source,
        )

    # Records

    def _published(self, domain: str, rules: tuple[Directive, ...]) -> Asking[_Decision]:
        """What the record at `domain` comes to; none if there is none."""
        name = checked_domain(domain)
        if name is None:
            return _Decision(SpfStatus.NONE, problem=f"{domain!r} is no domain")
        (answer,) = yield from self._ask(DnsQuestion(name, "TXT"))
        if answer.status is DnsStatus.FAILED:
            raise _TempError(f"the DNS does not answer for {name}")
        if answer.status is not DnsStatus.FOUND:
            if name != self._domain:
                self._budget.spend_void()
            return _Decision(SpfStatus.NONE, problem=NO_SPF_RECORD)
        found = [text for text in answer.values if is_spf_record(text)]
        if not found:
            return _Decision(SpfStatus.NONE, problem=NO_SPF_RECORD)
        if len(found) > 1:
            raise _PermError(f"{name} has several SPF records")
        try:
            record = parse_record(found[0])
        except SpfSyntaxError as error:
            raise _PermError(f"{name}: {error}") from error
        return (yield from self._evaluated(record, name, rules))

    def _evaluated(self, record: Record, domain: str, rules: tuple[Directive, ...]) -> Asking[_Decision]:
        """Local rules go into the record that has the last word: that of the redirect, where there is one."""
        has_all = any(term.mechanism == "all" for term in record.directives)
        passes_on = record.redirect is not None and not has_all
        full = record if passes_on else with_local_rules(record, rules)
        for term in full.directives:
            if (yield from self._term_matches(term, domain)):
                return _Decision(term.status, domain, term, record)
        if record.redirect is None or has_all:
            return _Decision(SpfStatus.NEUTRAL, domain, None, record)
        return (yield from self._redirected(record.redirect, domain, rules))

    def _redirected(
        self, target: MacroString, domain: str, rules: tuple[Directive, ...]
    ) -> Asking[_Decision]:
        self._budget.spend_term()
        name = yield from self._expanded(target, domain)
        decision = yield from self._published(name, rules)
        if decision.status is SpfStatus.NONE:
            raise _PermError(f"redirect to {name}: {decision.problem}")
        return decision

    # Terms

    def _term_matches(self, term: Directive, domain: str) -> Asking[bool]:
        if not term.local:
            return (yield from self._matches(term, domain))
        budget, self._budget = self._budget, self._local_budget
        try:
            return (yield from self._matches(term, domain))
        except _PermError:
            return False
        finally:
            self._budget = budget

    def _matches(self, term: Directive, domain: str) -> Asking[bool]:
        if term.mechanism == "all":
            return True
        if term.network is not None:
            return self._address in term.network
        self._budget.spend_term()
        name = domain if term.target is None else (yield from self._expanded(term.target, domain))
        if term.mechanism == "include":
            return (yield from self._include_matches(name))
        usable = askable(name)
        if usable is None:
            return False
        if term.mechanism == "ptr":
            return (yield from self._ptr_matches(usable))
        if term.mechanism == "exists":
            return bool((yield from self._found(usable, "A")))
        hosts = (usable,) if term.mechanism == "a" else (yield from self._exchangers(usable))
        addresses = yield from self._addresses(hosts)
        return any(self._address in self._around(one, term) for one in addresses)

    def _include_matches(self, name: str) -> Asking[bool]:
        decision = yield from self._published(name, ())
        if decision.status is SpfStatus.NONE:
            raise _PermError(f"include of {name}: {decision.problem}")
        return decision.status is SpfStatus.PASS

    def _ptr_matches(self, name: str) -> Asking[bool]:
        names = yield from self._validated_names()
        return any(one == name or one.endswith(f".{name}") for one in names)

    def _exchangers(self, name: str) -> Asking[tuple[str, ...]]:
        values = yield from self._found(name, "MX")
        if len(values) > self._limits.mx:
            raise _PermError(f"{name} has more than {self._limits.mx} mail exchangers")
        hosts = (askable(value.split()[-1]) for value in values)
        return tuple(host for host in hosts if host is not None)

    def _addresses(self, hosts: tuple[str, ...]) -> Asking[list[Address]]:
        answers = yield from self._ask(*(DnsQuestion(host, self._kind) for host in hosts))
        found: list[Address] = []
        for host, answer in zip(hosts, answers, strict=True):
            found += [ipaddress.ip_address(one) for one in self._values(host, answer)]
        return found

    def _around(self, address: Address, term: Directive) -> Network:
        length = term.length4 if address.version == 4 else term.length6
        return ipaddress.ip_network((address, length), strict=False)

    # Macros

    def _expanded(self, target: MacroString, domain: str) -> Asking[str]:
        """A domain name, cut from the left to what the DNS takes (7.3)."""
        values = yield from self._macro_values(target, domain)
        name = expand(target, values).removesuffix(".")
        while len(name) > MAX_NAME and "." in name:
            name = name.partition(".")[2]
        return name

    def _macro_values(self, text: MacroString, domain: str) -> Asking[dict[str, str]]:
        own = (yield from self._client_name(domain)) if names_client(text) else "unknown"
        return {
            "s": f"{self._local}@{self._domain}",
            "l": self._local,
            "o": self._domain,
            "d": domain,
            "i": _dotted(self._address),
            "p": own,
            "v": "in-addr" if self._address.version == 4 else "ip6",
            "h": self._request.helo,
            "c": str(self._address),
            "r": self._request.receiver or "unknown",
            "t": str(int(self._request.now.timestamp())),
        }

    def _client_name(self, domain: str) -> Asking[str]:
        """`%{p}`: the domain itself if the client has that name, else a name below it, else any (7.3)."""
        names = yield from self._validated_names()
        below = [one for one in names if one.endswith(f".{domain}")]
        return domain if domain in names else next(iter(below or names), "unknown")

    def _validated_names(self) -> Asking[list[str]]:
        """PTR names of the client that lead back to it. Failures only make names fewer (5.5)."""
        if self._client_names is not None:
            return self._client_names
        question = DnsQuestion(self._address.reverse_pointer, "PTR")
        (pointers,) = yield from self._ask(question)
        if pointers.status in (DnsStatus.NO_NAME, DnsStatus.NO_DATA):
            self._budget.spend_void()
        hosts = [host for one in pointers.values[: self._limits.ptr] if (host := askable(one))]
        answers = yield from self._ask(*(DnsQuestion(host, self._kind) for host in hosts))
        names = []
        for host, answer in zip(hosts, answers, strict=True):
            if answer.status is not DnsStatus.FAILED and any(
                ipaddress.ip_address(one) == self._address for one in self._values(host, answer)
            ):
                names.append(host)
        self._client_names = names
        return names

    # The explanation

    def _explanation(self, decision: _Decision, source: SpfSource) -> Asking[str]:
        """A domain explains its own fail; all else is explained by spfexp."""
        if decision.status in (SpfStatus.PASS, SpfStatus.TEMPERROR):
            return ""
        own = own_explanation(self._request.explanation)
        self._budget = self._fresh_budget()
        try:
            published = None
            if decision.status is SpfStatus.FAIL and source is not SpfSource.LOCAL:
                published = yield from self._published_explanation(decision)
            if published is not None:
                return clean(published)
            return clean(expand(own, (yield from self._macro_values(own, self._domain))))
        except _PermError:  # only `%{p}` can get here
            return clean(f"SPF check of {self._domain} failed")

    def _published_explanation(self, decision: _Decision) -> Asking[str | None]:
        """What exp= leads to; None where it leads to nothing that can be used (6.2)."""
        target = decision.record.explanation
        if target is None:
            return None
        name = askable((yield from self._expanded(target, decision.owner)))
        if name is None:
            return None
        (answer,) = yield from self._ask(DnsQuestion(name, "TXT"))
        if len(answer.values) != 1 or not answer.values[0].isascii():
            return None
        try:
            text = parse_explanation(answer.values[0])
        except SpfSyntaxError:
            return None
        return expand(text, (yield from self._macro_values(text, decision.owner)))

    # The DNS

    def _ask(self, *questions: DnsQuestion) -> Asking[tuple[DnsAnswer, ...]]:
        if not questions:
            return ()
        answers = yield questions
        self._lookups += zip(questions, answers, strict=True)
        return answers

    def _found(self, name: str, kind: Kind) -> Asking[tuple[str, ...]]:
        (answer,) = yield from self._ask(DnsQuestion(name, kind))
        return self._values(name, answer)

    def _values(self, name: str, answer: DnsAnswer) -> tuple[str, ...]:
        if answer.status is DnsStatus.FAILED:
            raise _TempError(f"the DNS does not answer for {name}")
        if not answer.values:
            self._budget.spend_void()
        return answer.values


def _none_if_unmatched(decision: _Decision) -> _Decision:
    """A domain that published nothing stays without a policy unless a rule of this host speaks of it."""
    if decision.status is SpfStatus.NEUTRAL and decision.term is None:
        return replace(decision, status=SpfStatus.NONE, problem=NO_SPF_RECORD)
    if decision.status is SpfStatus.PERMERROR:
        return _Decision(SpfStatus.NONE, problem=NO_SPF_RECORD)
    return decision


def _client(ip: str) -> Address:
    """IPv4 in IPv6's clothes counts as IPv4 (5)."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address
    return address


def _identity(request: SpfRequest) -> tuple[str, str]:
    """Local part and domain that are checked (2.4, 4.3)."""
    local, _, domain = (request.sender or request.helo).rpartition("@")
    return local or "postmaster", ascii_domain(domain.removesuffix(".")) or domain


def _dotted(address: Address) -> str:
    return str(address) if address.version == 4 else ".".join(address.exploded.replace(":", "").upper())
