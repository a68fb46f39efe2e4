"""The text of a recipient's wishes: what it means, and what is wrong with it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.rules.content.policy import (
    PolicyError,
    SpamAction,
    SpamPolicy,
    VirusAction,
    VirusPolicy,
    matches_mask,
    parse_spam_policy,
    parse_virus_policy,
    print_spam_policy,
    print_virus_policy,
)
from tests.mta.content.samples import at


def test_an_empty_policy_is_the_default():
    assert parse_virus_policy("") == VirusPolicy(VirusAction.REJECT, "Quarantine")
    assert parse_spam_policy("") == SpamPolicy(SpamAction.MARK, "Spam")


def test_every_word_is_understood():
    assert parse_spam_policy(
        "v1 action=move folder=My%20Junk max_score=7.5 white=anna@far.test,*@Good.test black=@bad.test "
        "black=eve?@far.test user=bob subject=[SPAM]"
    ) == SpamPolicy(
        SpamAction.MOVE, "My Junk", 7.5, ("anna@far.test", "*@good.test"), ("*@bad.test", "eve?@far.test"),
        "bob", "[SPAM]",
    )  # fmt: skip
    assert parse_virus_policy("action=quarantine folder=Bad.Mail") == VirusPolicy(
        VirusAction.QUARANTINE, "Bad.Mail"
    )


def test_unknown_words_do_no_harm_and_are_written_back():
    policy = parse_spam_policy("action=remove greylist=on learn=a%20b")
    assert policy.action is SpamAction.REMOVE
    assert "greylist=on learn=a%20b" in print_spam_policy(policy)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("action=destroy", "action=destroy: one of mark, move, remove, reject"),
        ("max_score=high", "max_score=high: a number is needed"),
        ("max_score=nan", "a score lies between"),
        ("max_score=1e9", "a score lies between"),
        ("action=mark action=move", "action is given 2 times"),
        ("mark", "mark: expected name=value"),
        ("v2 action=mark", "v2: only v1 is understood"),
        ("folder=../../etc", "a folder has letters"),
        ("folder=.hidden", "a folder has letters"),
        ("folder=a..b", "a folder has letters"),
        ("folder=a%2Fb", "a folder has letters"),
        ("user=a%0D%0AUser:x", "a name of preferences"),
        ("subject=a%0Ab", "visible ASCII"),
        ("white=%FF%FE", "not UTF-8"),
        ("white=a%20b", "visible ASCII"),
    ],
)
def test_an_error_names_the_word_and_what_is_wrong(text, words):
    with pytest.raises(PolicyError) as trouble:
        parse_spam_policy(text)
    assert words in str(trouble.value)


def test_virus_actions_are_their_own():
    with pytest.raises(PolicyError, match="one of reject, remove, quarantine"):
        parse_virus_policy("action=mark")


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
MASKS = PRINTABLE.filter(lambda mask: not mask.startswith("@")).map(str.lower)
FOLDERS = st.from_regex(r"\A[A-Za-z0-9_+-][A-Za-z0-9 _+-]{0,9}(\.[A-Za-z0-9][A-Za-z0-9 ]{0,9}){0,2}\Z")
LISTS = st.lists(MASKS, max_size=4, unique=True).map(tuple)


@given(
    st.builds(
        SpamPolicy, st.sampled_from(SpamAction), FOLDERS, st.none() | st.floats(-1000, 1000), LISTS, LISTS,
        st.from_regex(r"\A[A-Za-z0-9._@+-]{0,20}\Z"),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    )
)  # fmt: skip
def test_what_is_printed_parses_to_the_same(policy):
    assert parse_spam_policy(print_spam_policy(policy)) == policy


@given(st.builds(VirusPolicy, st.sampled_from(VirusAction), FOLDERS))
def test_virus_policies_too(policy):
    assert parse_virus_policy(print_virus_policy(policy)) == policy


@given(st.text() | st.text("v1 =%,actionfolderwhite", max_size=60))
def test_any_text_is_a_policy_or_a_clear_error(text):
    for parse, show in ((parse_spam_policy, print_spam_policy), (parse_virus_policy, print_virus_policy)):
        try:
            policy = parse(text)
        except PolicyError as error:
            assert str(error)  # noqa: PT017
        else:
            assert parse(show(policy)) == policy


@pytest.mark.parametrize(
    ("mask", "sender", "listed"),
    [
        ("anna@far.test", "Anna@FAR.test", True),
        ("anna@far.test", "joanna@far.test", False),
        ("*@far.test", "anna@far.test", True),
        ("*@far.test", "anna@sub.far.test", False),
        ("*.far.test", "anna@sub.far.test", True),
        ("a??a@*", "anna@far.test", True),
        ("a?a@*", "anna@far.test", False),
        ("@far.test", "anna@far.test", True),
        ("[ab]*", "anna@far.test", False),
        ("*", "", False),
    ],
)
def test_masks_of_senders(mask, sender, listed):
    policy = parse_spam_policy(f"black={mask}")
    assert policy.is_black(at(sender)) is listed


def test_the_white_list_outranks_the_black_one():
    policy = parse_spam_policy("black=*@far.test white=anna@far.test")
    assert policy.is_white(at("anna@far.test"))
    assert not policy.is_black(at("anna@far.test"))
    assert policy.is_black(at("eve@far.test"))


def test_no_mask_takes_long():
    begun = time.perf_counter()
    assert not matches_mask("a" * 900, "*a" * 30 + "b")
    assert time.perf_counter() - begun < 1


@given(st.text("ab", max_size=12), st.text("ab*?", max_size=8))
def test_masks_agree_with_a_plain_reading(text, mask):
    def plain(text, mask):
        if not mask:
            return not text
        if mask[0] == "*":
            return plain(text, mask[1:]) or (text != "" and plain(text[1:], mask))
        return text != "" and mask[0] in (text[0], "?") and plain(text[1:], mask[1:])

    assert matches_mask(text, mask) == plain(text, mask)
