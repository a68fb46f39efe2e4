"""tcp.smtp: which lines are rules, how they are stored, and which one a client gets."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.files.cdb_files import Cdb, cdb_bytes
from heliosphere.mta.rules.clients.tcp_rules import (
    connections_per_ip,
    errors_in,
    find_rule,
    lookup_keys,
    parse_rules,
    plain_ip,
    rule_from_data,
    rule_records,
)

EXAMPLE = """\
127.0.0.1:allow,RELAYCLIENT="",RBLSMTPD=""
10.20.30.:allow,RELAYCLIENT=""
10.20.40.5-7:allow,RELAYCLIENT="",DATABYTES="52428800"
192.0.2.66:deny
joe@198.51.100.9:allow,RELAYCLIENT=/@relay.test/
=mx.partner.test:allow,SPFBEHAVIOR="0"
=.dial.test:allow,RBLSMTPD="-No direct mail from dial-up hosts"
:allow,SPFBEHAVIOR="3"
"""
SMALL = """\
127.0.0.1:allow,RELAYCLIENT="",RBLSMTPD=""
10.20.30.:allow,RELAYCLIENT=""
192.0.2.66:deny
:allow,SPFBEHAVIOR="3"
"""


DIAL_UP = "-No direct mail from dial-up hosts"


def records(text):
    rules, problems = parse_rules(text)
    assert not errors_in(problems)
    return list(rule_records(rules))


def rule_of(text, ip, host="", info=""):
    return find_rule(Cdb(cdb_bytes(records(text))).get, ip, host, info)


def test_the_compiled_file_is_what_tcprules_makes_byte_for_byte():
    data = cdb_bytes(records(SMALL))

    assert len(data) == 2228
    assert data[0x800:0x82A] == b"\x09\0\0\0\x19\0\0\0" + b"127.0.0.1+RELAYCLIENT=\0+RBLSMTPD=\0"
    assert b"\x0a\0\0\0\x02\0\0\0" + b"192.0.2.66D\0" in data
    assert b"\0\0\0\0\x0f\0\0\0" + b"+SPFBEHAVIOR=3\0" in data


@pytest.mark.parametrize(
    ("ip", "host", "info", "key", "variables"),
    [
        ("127.0.0.1", "", "", "127.0.0.1", {"RELAYCLIENT": "", "RBLSMTPD": ""}),
        ("10.20.30.44", "", "", "10.20.30.", {"RELAYCLIENT": ""}),
        ("10.20.40.6", "", "", "10.20.40.6", {"RELAYCLIENT": "", "DATABYTES": "52428800"}),
        ("10.20.40.8", "", "", "", {"SPFBEHAVIOR": "3"}),
        ("198.51.100.9", "", "joe", "joe@198.51.100.9", {"RELAYCLIENT": "@relay.test"}),
        ("198.51.100.9", "", "", "", {"SPFBEHAVIOR": "3"}),
        ("203.0.113.1", "MX.partner.test", "", "=mx.partner.test", {"SPFBEHAVIOR": "0"}),
        ("203.0.113.1", "a.b.dial.test", "", "=.dial.test", {"RBLSMTPD": DIAL_UP}),
        ("203.0.113.5", "dial.test", "", "", {"SPFBEHAVIOR": "3"}),
        ("::ffff:10.20.30.1", "", "", "10.20.30.", {"RELAYCLIENT": ""}),
    ],
)  # fmt: skip
def test_a_client_gets_the_most_telling_rule(ip, host, info, key, variables):
    rule = rule_of(EXAMPLE, ip, host, info)
    assert (rule.key, rule.is_allowed, dict(rule.environment)) == (key, True, variables)


def test_a_denied_client_is_denied_whatever_its_network_may():
    assert not rule_of(EXAMPLE + "192.0.2.:allow\n", "192.0.2.66").is_allowed
    assert rule_of(EXAMPLE + "192.0.2.:allow\n", "192.0.2.67").is_allowed


def test_without_any_rule_nothing_is_said():
    assert rule_of("192.0.2.66:deny\n", "192.0.2.67") is None


def test_the_order_of_lookup_is_tcpservers():
    assert list(lookup_keys("192.0.2.4", "mx.far.test", "joe")) == [
        "joe@192.0.2.4", "joe@=mx.far.test", "192.0.2.4", "=mx.far.test", "192.0.2.", "192.0.", "192.",
        "=.far.test", "=.test", "=", "",
    ]  # fmt: skip
    assert list(lookup_keys("192.0.2.4")) == ["192.0.2.4", "192.0.2.", "192.0.", "192.", ""]


def test_the_first_of_two_rules_for_one_address_counts():
    assert not rule_of("10.1.1.1:deny\n10.1.1.1:allow\n", "10.1.1.1").is_allowed


@pytest.mark.parametrize(
    ("line", "key", "ip"),
    [
        ("2001:db8::5:allow,RELAYCLIENT=\"\"", "2001:db8::5", "2001:DB8:0:0::5"),
        ("2001:DB8::0005:deny", "2001:db8::5", "2001:db8::5"),
        ("2001:db8::allow", "2001:db8:", "2001:db8:1::9"),
        ("2001:db8:0::deny", "2001:db8:0:", "2001:db8::9"),
        ("::1:allow", "::1", "::1"),
        ("joe@2001:0db8::9:deny", "joe@2001:db8::9", "2001:db8::9"),
    ],
)  # fmt: skip
def test_ipv6_addresses_and_starts_of_them_are_found_in_any_spelling(line, key, ip):
    assert rule_of(line, ip, info="joe").key == key


def test_an_ipv6_start_is_of_whole_groups_only():
    assert rule_of("2001:db8:1::allow", "2001:db8:10::1") is None


@pytest.mark.parametrize(
    "line",
    [
        *(
            "10.1.1.1:alow",
            '10.1.1.1:allow,X="a',
            "10.1.1.1:allow,X",
            '10.1.1.1:allow X="y"',
            "10.1.1.1:allow,X=",
        ),
        *("10.1.1.1: allow", "10.1.1.1:ALLOW", '10.1.1.1:allow,X=""Y', '10.1.1.1:allow,X="1",'),
        *("10.1.1.1:allowed", "x-y:deny", "10.1.a-b.4:deny", "2001:db8::5:alow", '10.1.1.1:allow,="x"'),
        '10.1.1.1:allow,X="\0"',
    ],
)
def test_a_line_that_cannot_be_a_rule_is_named_with_its_number(line):
    rules, problems = parse_rules(f"# ours\n\n127.0.0.1:allow\n{line}\n")

    (problem,) = errors_in(problems)
    assert (problem.line, problem.text) == (4, line)
    assert problem.reason
    assert [rule.line for rule in rules] == [3]


@pytest.mark.parametrize(
    "line",
    [
        *('10.1.1.1:allow, X="y"', "no colon here", "10.9-8:deny", "10.1 .1.1:deny", "10.1.1:deny"),
        *("2001::gg:deny", "2001:db8:::deny", "10.1-2.3-4:allow"),
    ],
)
def test_an_odd_line_is_taken_with_a_warning(line):
    _, problems = parse_rules(line)
    assert [one.is_warning for one in problems] == [True]


def test_a_blank_after_a_comma_is_not_part_of_the_name():
    assert records('10.1.1.1:allow, X="y"') == [(b"10.1.1.1", b"+X=y\0")]


def test_ranges_are_written_out():
    assert [key for key, _ in records("10.1.2.254-300:deny\n10.7-8.:deny\n10.3.-1.1:deny")] == [
        b"10.1.2.254", b"10.1.2.255", b"10.7.", b"10.8.", b"10.3.0.1", b"10.3.1.1",
    ]  # fmt: skip


def test_a_quote_may_be_any_sign_and_the_value_hold_colons_and_commas():
    assert records('10.1.1.1:allow,A=!x:deny,B="1"!,B=..') == [(b"10.1.1.1", b'+A=x:deny,B="1"\0+B=\0')]


def test_odd_parts_of_a_record_count_for_nothing():
    rule = rule_from_data("k", b"Z\0+novalue\0+A=1=2\0+cut=off")
    assert (rule.is_allowed, dict(rule.environment)) == (True, {"A": "1=2"})


@given(st.text())
def test_any_text_is_rules_or_problems(text):
    rules, problems = parse_rules(text)
    assert all(1 <= one.line <= text.count("\n") + 1 for one in (*rules, *problems))
    assert all(len(rule.keys) <= 256 for rule in rules)


_names = st.from_regex(r"[A-Z_]{1,8}", fullmatch=True)
_values = st.text(st.characters(exclude_characters='"\n\0', exclude_categories=["Cs"]), max_size=20)


@given(st.ip_addresses(), st.dictionaries(_names, _values, max_size=4), st.booleans())
def test_what_a_rule_says_is_what_its_client_gets(address, variables, is_allowed):
    line = f"{address}:{'allow' if is_allowed else 'deny'}" + "".join(
        f',{name}="{value}"' for name, value in variables.items()
    )
    rule = rule_of(line, str(address))
    assert (rule.key, rule.is_allowed, dict(rule.environment)) == (
        plain_ip(str(address)),
        is_allowed,
        variables,
    )


@given(st.ip_addresses(), st.binary(max_size=60))
def test_any_record_can_be_read(address, data):
    find_rule(lambda key: data, str(address))


@pytest.mark.parametrize(
    ("ip", "rule", "control", "limit"),
    [("192.0.2.1", {}, 0, None), ("192.0.2.1", {}, 3, 3), ("192.0.2.1", {"MAXCONNIP": "9"}, 3, 9),
     ("192.0.2.1", {"MAXCONNIP": "0"}, 3, None), ("192.0.2.1", {"MAXCONNIP": "x"}, 3, 3),
     ("127.0.0.1", {}, 3, None), ("::1", {"MAXCONNIP": "1"}, 3, None), ("2001:db8::1", {}, 3, 3)],
)  # fmt: skip
def test_sessions_of_one_address(ip, rule, control, limit):
    assert connections_per_ip(ip, rule, control) == limit


ODDITIES = """\
=my-host.test:allow
Jo-e@1.2.3.4:deny
j-1@1.2.3.4:deny
10.1-2.3-4:allow
1.2.3.-5:allow
1.2.3-:allow
1.2.3.250-300:deny,X="y"
10.9-8:deny
 # not:allow
noline
1.2.3.4:allow,X="1"   \t
1-2:deny
-:deny
10.00005-7.1.1:deny
"""


@pytest.mark.integration
@pytest.mark.parametrize("text", [EXAMPLE, SMALL, ODDITIES, "", "# nothing\n"])
def test_the_original_makes_the_same_file(tmp_path, text):
    subprocess.run(["tcprules", "t.cdb", "t.tmp"], input=text.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "t.cdb").read_bytes() == cdb_bytes(records(text))
