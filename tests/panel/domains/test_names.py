"""Domain names as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.panel.domains import rules


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Example.COM", "example.com"),
        (" example.com. ", "example.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("a-b.c1.example", "a-b.c1.example"),
    ],
)
def test_names_are_kept_in_their_ascii_form(typed, kept):
    assert rules.ascii_domain(typed) == kept


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"), ("localhost", "one-label"), ("-a.example", "syntax"), ("a_b.example", "syntax"),
        ("a..example", "syntax"), ("a b.example", "syntax"), ("127.0.0.1", "syntax"),
        ("x" * 64 + ".example", "syntax"),
        ("a." * 130 + "example", "too-long"), ("http://a.example/", "syntax"), ("☃☃☃", "one-label"),
    ],
)  # fmt: skip
def test_what_is_not_a_name_says_why(typed, reason):
    with pytest.raises(rules.NotADomain) as refused:
        rules.ascii_domain(typed)
    assert refused.value.args[0] in (reason, "syntax")


def test_labels_of_the_providers_own_servers_are_kept_back():
    with pytest.raises(rules.NotADomain) as refused:
        rules.ascii_label("mail")
    assert refused.value.args[0] == "reserved"


def test_a_name_others_register_under_cannot_be_hosted():
    assert rules.is_public_suffix("co.uk")
    assert not rules.is_public_suffix("example.co.uk")


@given(st.text(max_size=300))
def test_any_text_is_a_name_that_stays_itself_or_is_refused(text):
    try:
        name = rules.ascii_domain(text)
    except rules.NotADomain:
        return
    assert rules.ascii_domain(name) == name
    assert name == name.lower()
    assert name.isascii()
    assert len(name) <= 253
    rules.shown(name)
