"""What programs say to each other survives the way, and what does not fit is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.contracts.codec import ContractError, decode, encode, to_plain
from heliosphere.contracts.dns_zones import RecordSet, ZoneSpec
from heliosphere.contracts.health import NodeReport, ServiceHealth
from heliosphere.contracts.jobs import JobEnvelope, JobEvent, JobOutcome, seal, unseal
from heliosphere.contracts.mail_server import ControlState
from heliosphere.contracts.mailboxes import MailboxSpec, MailDomainSpec
from heliosphere.contracts.sites import SiteSpec
from heliosphere.contracts.usage import MailboxUsage

texts = st.text(max_size=40)
record_sets = st.builds(
    RecordSet,
    texts,
    st.sampled_from(["A", "MX", "TXT"]),
    st.integers(),
    st.lists(texts, max_size=3).map(tuple),
)
zones = st.builds(
    ZoneSpec, texts, st.lists(texts).map(tuple), texts, st.lists(record_sets, max_size=3).map(tuple)
)
mailboxes = st.builds(MailboxSpec, texts, texts, st.integers(), texts, st.booleans(), st.booleans())
specs = st.one_of(
    zones,
    mailboxes,
    st.builds(MailDomainSpec, texts, texts),
    st.builds(SiteSpec, texts, texts, st.lists(texts).map(tuple), st.sampled_from(["live", "suspended"])),
)
envelopes = st.builds(
    JobEnvelope, st.integers(), texts, texts, texts, st.integers(), st.integers(), specs, st.integers()
)
messages = st.one_of(
    envelopes,
    st.builds(JobEvent, st.integers(), st.integers(), texts),
    st.builds(JobOutcome, st.integers(), st.integers(), st.just("done"), st.lists(texts).map(tuple)),
    st.builds(MailboxUsage, texts, st.integers(), st.integers()),
    st.builds(
        NodeReport,
        texts,
        texts,
        st.lists(texts).map(tuple),
        st.lists(st.builds(ServiceHealth, texts, st.just("up"))).map(tuple),
    ),
)


@given(messages)
def test_every_contract_survives_the_way(message):
    assert decode(encode(message)) == message


@given(messages, st.binary(min_size=1, max_size=32), st.binary(min_size=1, max_size=32))
def test_a_seal_opens_with_its_key_only(message, key, other):
    assert unseal(seal(message, key), key) == message
    if other.rstrip(b"\0") != key.rstrip(b"\0"):  # HMAC pads short keys with zero bytes
        with pytest.raises(ContractError):
            unseal(seal(message, key), other)


@given(messages, st.integers(0, 10_000), st.characters(exclude_categories=["Cs"]))
def test_a_sealed_text_cannot_be_altered(message, place, sign):
    text = seal(message, b"key")
    place %= len(text)
    altered = text[:place] + sign + text[place + 1 :]
    if altered != text:
        with pytest.raises(ContractError):
            unseal(altered, b"key")


@given(st.text(max_size=200))
def test_any_text_is_a_contract_or_refused(text):
    with pytest.raises(ContractError):
        decode(text)


SITE = to_plain(SiteSpec("two.test", "u1"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "something"}, "unknown contract"),
        ({"v": 2}, "version"),
        ({"v": "1"}, "version"),
        ({"data": {"name": "two.test"}}, "missing"),
        ({"data": {"name": "two.test", "owner": 5}}, "does not fit"),
        ({"data": {"name": "two.test", "owner": "u1", "state": "gone"}}, "not one of"),
        ({"data": {"name": "two.test", "owner": "u1", "aliases": "www"}}, "a list"),
        ({"data": {"name": "two.test", "owner": "u1", "colour": "red"}}, "unknown field"),
    ],
)
def test_what_does_not_fit_says_why(change: dict[str, Any], reason: str):
    with pytest.raises(ContractError, match=reason):
        decode(json.dumps(SITE | change))


def test_items_of_different_kinds_in_one_tuple_come_back_as_declared():
    found = ControlState("badhelo", "x", "file", ((3, "[x", "not closed"),))
    assert decode(encode(found)) == found
    short = encode(found).replace(',"not closed"', "")
    with pytest.raises(ContractError, match="3 items are expected, not 2"):
        decode(short)
