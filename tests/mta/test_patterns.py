"""Lists and patterns: the matcher's table, the order of a list, and look-ups that stay cheap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.contracts.controls.line_checks import pattern_problem
from heliosphere.contracts.controls.registry import Entry
from heliosphere.mta.rules.patterns import (
    AddressList,
    AddressOnlyList,
    DomainList,
    GreetingList,
    PatternList,
    PatternSet,
    RelayList,
    UnknownSenderList,
    matches,
)

TABLE = [
    ("*@spam.test", "joe@spam.test", True), ("*.test", ".test", True), ("*.test", "test", False),
    ("a?b", "axb", True), ("a?b", "ab", False), ("a?b", "axxb", False),
    ("[Ff][Aa][Kk][Ee]*", "FaKe1@x", True),
    ("[Ff][Aa][Kk][Ee]", "FAKE", True), ("[Ff][Aa][Kk][Ee]", "fake", True),
    ("[Ff][Aa][Kk][Ee]", "FAKe", True),
    ("[Ff][Aa][Kk][Ee]", "fakes", False), ("fake*", "FAKE@x", False),
    ("*\\[192.0.2.7\\]*", "x@[192.0.2.7]", True),
    ("*\\[192.0.2.7\\]*", "x@192.0.2.7", False), ("*[192.0.2.7]*", "x@[192.0.2.7]", True),
    ("[^a-z]*", "1abc", True), ("[^a-z]*", "abc", False), ("[!a]x", "!x", True), ("[!a]x", "ax", True),
    ("[!a]x", "bx", False), ("abc\\", "abc", False), ("abc\\", "abc\\", False), ("[]a]x", "]x", True),
    ("[]a]x", "ax", True), ("[a-]x", "-x", True), ("[a-]x", "bx", False), ("[abc", "a", False),
    ("[abc", "[abc", False), ("", "", False), ("*", "", True), ("**", "any", True), ("?", "", False),
    ("\\*", "*", True), ("\\*", "x", False), ("a\\?b", "a?b", True), ("a.b", "axb", False),
    ("[a-f]", "c", True),
    ("[a-f]", "g", False), ("[f-a]", "c", False), ("[^]a]x", "bx", True), ("[^]a]x", "]x", False),
    ("abc", "xabc", False), ("abc", "abcx", False), ("a*b*c", "a1b2c", True), ("a*b*c", "acb", False),
    ("*a", "a\n", False), ("a?c", "a\nc", True), ("(a|b)+", "(a|b)+", True), ("[\\]", "\\", True),
]  # fmt: skip


@pytest.mark.guide(
    "MAIL-CTL-026", "MAIL-CTL-028", "MAIL-CTL-029", "MAIL-CTL-030", "MAIL-CTL-031", "MAIL-CTL-032",
)  # fmt: skip
@pytest.mark.parametrize(("pattern", "subject", "expected"), TABLE)
def test_matcher_table(pattern, subject, expected):
    assert matches(pattern, subject) is expected
    assert naive(pattern, subject) is expected


# The rule written as plainly as it goes: what can be matched so far, sign by sign


def naive(pattern, subject):
    if not pattern or pattern_problem("x" + pattern) is not None:
        return False
    ends = {0}
    for sign in signs(pattern):
        if sign == "*":
            ends = {end for start in ends for end in range(start, len(subject) + 1)}
        else:
            ends = {at + 1 for at in ends if at < len(subject) and fits(sign, subject[at])}
    return len(subject) in ends


def signs(pattern):
    at = 0
    while at < len(pattern):
        end = at + 1
        if pattern[at] == "\\":
            end = at + 2
        elif pattern[at] == "[":
            first = at + 2 if pattern[at + 1] == "^" else at + 1
            end = pattern.index("]", first + 1) + 1
        yield pattern[at:end]
        at = end


def fits(sign, char):
    if sign[0] == "[":
        negated, members = sign[1] == "^", sign[2:-1] if sign[1] == "^" else sign[1:-1]
        return in_set(members, char) != negated
    return sign == "?" or char == sign[-1]


def in_set(members, char):
    while members:
        if len(members) > 2 and members[1] == "-":
            if members[0] <= char <= members[2]:
                return True
            members = members[3:]
        else:
            if members[0] == char:
                return True
            members = members[1:]
    return False


PATTERNS = st.text(st.sampled_from("ab*?[]^-!\\.@"), max_size=8)
SUBJECTS = st.text(st.sampled_from("ab[]^-!\\.@"), max_size=8)


@given(PATTERNS, SUBJECTS)
def test_any_pattern_means_what_the_plain_rule_says(pattern, subject):
    assert matches(pattern, subject) is naive(pattern, subject)


# Lists


def listed(*lines):
    return [Entry(line, number) for number, line in enumerate(lines, 1)]


@pytest.mark.guide("MAIL-CTL-027")
@pytest.mark.parametrize(
    ("lines", "subject", "entry"),
    [
        (("*@bulk.test", "!news@bulk.test"), "news@bulk.test", None),
        (("*@bulk.test", "!news@bulk.test"), "x@bulk.test", "*@bulk.test"),
        (("!news@bulk.test", "*@bulk.test"), "news@bulk.test", "*@bulk.test"),
        (("*@bulk.test", "!*", "x@*"), "x@bulk.test", "x@*"),
        (("x@bulk.test", "!*"), "X@BULK.test", "x@bulk.test"),
        (("@bulk.test", "!x@bulk.test"), "x@bulk.test", "@bulk.test"),
        (("!x@bulk.test",), "x@bulk.test", None),
        (("!", "*a"), "a", "*a"),
        (("[a", "a\\"), "a", None),
        (("*",), "", None),
    ],
)
def test_exact_entries_first_then_the_last_match_decides(lines, subject, entry):
    found = PatternList(listed(*lines)).find(subject)
    assert found == entry
    if entry is not None:
        assert found.line == lines.index(entry) + 1


LINES = st.lists(st.text(st.sampled_from("ab*?!@[].-"), min_size=1, max_size=7), max_size=8)
WORDS = st.text(st.sampled_from("abAB@.-"), max_size=10)


def scan(lines, subject):
    """Rule G10 without any index."""
    if not subject:
        return None
    lower = subject.lower()
    exact = {line.lower() for line in lines if not line.startswith("!") and not set(line) & set("*?[\\")}
    if lower in exact or ("@" in lower and "@" + lower.rpartition("@")[2] in exact):
        return True
    verdict = None
    for line in lines:
        excepts = line.startswith("!")
        if line.lower() not in exact and line != "!" and naive(line.removeprefix("!"), subject):
            verdict = not excepts
    return verdict


@given(LINES, WORDS)
def test_the_indexed_list_says_what_a_plain_scan_says(lines, subject):
    found = PatternList(listed(*lines)).find(subject)
    assert (found is not None) is bool(scan(lines, subject))


LONG_LINES = st.lists(
    st.builds(
        "{}{}{}".format, st.sampled_from(["", "!", "*", "!*"]), st.text("abc.", min_size=3, max_size=7),
        st.sampled_from(["", "*", "?", "@*"]),
    ), max_size=12,
)  # fmt: skip


@given(LONG_LINES, st.text("abc.@", max_size=14))
def test_longer_pieces_are_found_through_the_index_too(lines, subject):
    found = PatternList(listed(*lines)).find(subject)
    assert (found is not None) is bool(scan(lines, subject))


@pytest.mark.parametrize(
    ("lines", "address", "entry"),
    [
        (("@junk.test",), "A@JUNK.TEST", "@junk.test"),
        (("Spam@Bulk.test",), "spam@bulk.test", "Spam@Bulk.test"),
        (("@junk.test",), "x@a.junk.test", None), (("junk.test",), "x@junk.test", None),
        (("joe",), "joe", "joe"),
        (("@junk.test",), '"a@b"@junk.test', "@junk.test"), (("@junk.test",), "", None),
        (("*@junk.test",), "x@junk.test", None),
    ],
)  # fmt: skip
@pytest.mark.guide("MAIL-CTL-063", "MAIL-CTL-064")
def test_plain_entries(lines, address, entry):
    assert AddressList(listed(*lines)).find(address) == entry


@pytest.mark.guide("MAIL-CTL-092", "MAIL-CTL-093")
def test_a_list_of_addresses_passes_over_bare_hosts():
    assert AddressOnlyList(listed("partner.test", "joe")).find("joe") is None
    assert AddressOnlyList(listed("@partner.test")).find("x@partner.test") == "@partner.test"


@given(st.lists(st.text("ab.", min_size=1, max_size=6), max_size=6), st.text("ab.", max_size=8))
def test_domains_and_all_below_them(entries, domain):
    found = DomainList(listed(*entries)).find(domain)
    hits = [one for one in entries if one == domain or (one.startswith(".") and domain.endswith(one))]
    assert (found is None) == (not hits)
    if found is not None:
        assert found == max(hits, key=lambda one: (one == domain, len(one)))


def test_unknown_senders_by_host_address_or_all_below():
    known = UnknownSenderList(listed("big.test", "@huge.test", "x@one.test", ".deep.test"))
    hits = ["a@big.test", "a@HUGE.test", "x@one.test", "a@b.deep.test"]
    assert all(known.find(one) for one in hits)
    assert not any(
        known.find(one) for one in ("y@one.test", "a@deep.test", "a@x.big.test", "", "big.test.else")
    )


def test_greetings_with_the_two_special_lines():
    assert GreetingList(listed(".")).find("nodot", None) == "."
    assert GreetingList(listed("!")).find("a.test", "b.test") == "!"
    assert GreetingList(listed("!")).find("A.test", "a.test") is None
    assert GreetingList(listed("!")).find("a.test", None) is None
    assert GreetingList(listed("!", ".", "x*")).find("", None) is None


@pytest.mark.parametrize(
    ("lines", "client", "suffix"),
    [
        (("192.0.2.5",), "192.0.2.5", ""), (("192.0.2.",), "192.0.2.5", ""), (("192.0.*",), "192.0.2.5", ""),
        (("192.0.2.5:@gate.test",), "192.0.2.5", "@gate.test"),
        (("192.0.2.:@g.test",), "192.0.2.9", "@g.test"),
        (("192.0.2.10:",), "192.0.2.10", ""), (("2001:db8:",), "2001:db8::7", ""), (("*",), "::1", ""),
        (("192.0.2.5",), "192.0.2.55", None), (("192.0.2.",), "192.0.25.1", None),
        (("office",), "192.0.2.5", None),
        (("192.0.2.*", "!192.0.2.66"), "192.0.2.66", None), (("10.7.", "!10.7.0.5"), "10.7.0.5", None),
        (("!192.0.2.66",), "192.0.2.66", None),
    ],
)  # fmt: skip
@pytest.mark.guide("MAIL-CTL-084", "MAIL-CTL-085")
def test_clients_that_may_relay(lines, client, suffix):
    found = RelayList(listed(*lines), are_hosts=False).find(client)
    assert (found.suffix if found is not None else None) == suffix


@pytest.mark.parametrize(
    ("lines", "name", "is_listed"),
    [
        (("mx.partner.test",), "MX.partner.test", True), ((".partner.test",), "mx.partner.test", True),
        ((".partner.test",), "partner.test", False), (("*.partner.test",), "a.b.partner.test", True),
        ((".partner.test", "!dial.partner.test"), "dial.partner.test", False),
        (("heaven.test:",), "heaven.test", True),
        ((".partner.test",), "", False), (("*",), "", False),
    ],
)  # fmt: skip
@pytest.mark.guide("MAIL-CTL-087", "MAIL-CTL-089")
def test_hosts_that_may_relay(lines, name, is_listed):
    assert (RelayList(listed(*lines), are_hosts=True).find(name) is not None) is is_listed


# Cost


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        ("*a" * 24 + "b", "a" * 4000), ("*" + "?a*" * 20 + "b", "a" * 4000),
        ("*[ab]" * 30 + "c", "ab" * 2000),
        ("a*" * 40, "a" * 39 + "b" * 4000), ("*@*@*@*@*x", "@" * 4000),
    ],
)  # fmt: skip
def test_no_pattern_tries_its_stars_again(pattern, subject):
    """A matcher that went back to former stars would need more steps than there are atoms; this one ends."""
    assert matches(pattern, subject) is False


def test_ten_thousand_patterns_leave_few_to_try():
    patterns = [(Entry(f"*@*.host{number:05}.test", number), f"*@*.host{number:05}.test", False)
                for number in range(1, 10_001)]  # fmt: skip
    table = PatternSet(patterns)
    assert len(table._candidates("joe@a.host04711.test")) <= 10
    assert table.last_match("joe@a.host04711.test") == (patterns[4710][0], False)
    assert len(table._candidates("joe@elsewhere.example")) <= 10
    assert table.last_match("joe@elsewhere.example") is None


def test_ten_thousand_exact_entries_are_one_look():
    entries = listed(*(f"@host{number}.test" for number in range(10_000)))
    assert AddressList(entries).find("x@host9999.test").line == 10_000
    assert PatternList(entries).find("x@host9999.test").line == 10_000
