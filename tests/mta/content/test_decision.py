"""One answer for several recipients: who is checked, and what becomes of the message for each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.rules.content import decision
from heliosphere.mta.rules.content.decision import Fate, Refusal, ScanPolicy, Wishes
from heliosphere.mta.rules.content.policy import SpamAction, SpamPolicy, VirusAction, VirusPolicy
from heliosphere.mta.rules.content.results import Clean, Infected, SpamScore, TooBig, Unavailable
from heliosphere.mta.rules.content.signatures import Hit
from tests.mta.content.samples import at

ANNA, BOB, CAROL = map(at, ("anna@one.test", "bob@one.test", "carol@two.test"))
SENDER = at("eve@far.test")
ENROLLED = Wishes(VirusPolicy(), SpamPolicy())
BOTH = {"virus": decision.virus_duties, "spam": decision.spam_duties}
CLASSES = ("none", "mfrelay", "static", "dynamic", "auth")


def virus(**actions):
    return {at(f"{name}@one.test"): VirusPolicy(VirusAction(one)) for name, one in actions.items()}


def spam(**actions):
    return {at(f"{name}@one.test"): SpamPolicy(SpamAction(one)) for name, one in actions.items()}


# Who is checked


@pytest.mark.guide("MAIL-AV-036", "MAIL-AV-038")
@pytest.mark.parametrize("duties", BOTH.values(), ids=BOTH)
def test_by_default_only_enrolled_recipients_are_checked(duties):
    assert set(duties({ANNA: ENROLLED, BOB: Wishes()}, "none", ScanPolicy())) == {ANNA}


@pytest.mark.guide("MAIL-AV-035", "MAIL-AV-037")
@pytest.mark.parametrize("check", BOTH)
def test_the_global_control_has_everybody_checked(check):
    policy = ScanPolicy(clamglobal=check == "virus", spamglobal=check == "spam")
    for name, duties in BOTH.items():
        assert set(duties({ANNA: Wishes(), BOB: Wishes()}, "none", policy)) == (
            {ANNA, BOB} if name == check else set()
        )


SKIPPED = {0: set(), 1: {"auth"}, 2: {"static", "dynamic", "auth"}, 3: {"static", "dynamic", "auth"}}


@pytest.mark.guide(
    "MAIL-AV-039", "MAIL-AV-041", "MAIL-AV-063", "MAIL-AV-064", "MAIL-AV-065", "MAIL-AV-066", "MAIL-AV-067",
    "MAIL-AV-068", "MAIL-AV-069", "MAIL-AV-070", "MAIL-AV-071", "MAIL-AV-072",
)  # fmt: skip
@pytest.mark.parametrize("level", SKIPPED)
@pytest.mark.parametrize("client", CLASSES)
@pytest.mark.parametrize("check", BOTH)
def test_who_is_spared_by_skipcachk_and_skipsachk(level, client, check):
    policy = ScanPolicy(
        clamglobal=True, spamglobal=True, skipcachk=level if check == "virus" else 0,
        skipsachk=level if check == "spam" else 0,
    )  # fmt: skip
    for name, duties in BOTH.items():
        spared = name == check and client in SKIPPED[level]
        assert set(duties({ANNA: ENROLLED, BOB: Wishes()}, client, policy)) == (
            set() if spared else {ANNA, BOB}
        )


@pytest.mark.guide("MAIL-AV-040", "MAIL-AV-042")
def test_nobody_is_spared_by_default():
    assert (ScanPolicy().skipcachk, ScanPolicy().skipsachk) == (0, 0)
    assert decision.virus_duties({ANNA: ENROLLED}, "auth", ScanPolicy())
    assert decision.spam_duties({ANNA: ENROLLED}, "auth", ScanPolicy())


def test_the_size_limit_for_spam_scans():
    assert not decision.is_too_big_for_spam(1000, ScanPolicy(samsgsize=1000))
    assert decision.is_too_big_for_spam(1001, ScanPolicy(samsgsize=1000))
    assert not decision.is_too_big_for_spam(10**9, ScanPolicy(samsgsize=0))


# Attachment filters


@pytest.mark.guide("MAIL-CTL-128", "MAIL-CTL-132")
@pytest.mark.parametrize(
    ("control", "condition"), [("chksignature", "Bad_MIME"), ("chkloadertype", "Bad_Loader")]
)
def test_a_hit_counts_where_somebody_has_antivirus(control, condition):
    hit = Hit(control, "TVqQAAMAA")
    assert decision.judge_hit(hit, {}) is None
    assert decision.judge_hit(None, virus(anna="reject")) is None
    refusal = decision.judge_hit(hit, virus(anna="remove"))
    assert refusal is not None
    assert (refusal.reply.code, refusal.reply.status) == (554, "5.3.2")
    assert (refusal.condition, refusal.statistic, refusal.control) == (condition, "rejclam", control)


# Viruses


def test_a_virus_that_one_recipient_refuses_is_refused_for_all():
    for actions in (
        {"anna": "reject"},
        {"anna": "remove", "bob": "reject"},
        {"a": "quarantine", "b": "reject"},
    ):
        verdict = decision.judge_virus(virus(**actions), Infected("Eicar"), ScanPolicy())
        assert isinstance(verdict, Refusal)
        assert (verdict.reply.code, verdict.reply.status) == (554, "5.3.2")
        assert "Eicar" in verdict.reply.text
        assert (verdict.condition, verdict.statistic) == ("Virus_Infected", "rejclam")


def test_otherwise_it_is_removed_or_quarantined():
    fates = decision.judge_virus(virus(anna="remove", bob="quarantine"), Infected("Eicar"), ScanPolicy())
    assert fates == {
        ANNA: Fate(drop=True, statistic="rejclam"),
        BOB: Fate(folder=".Quarantine", fields=b"X-Virus-Status: Infected, Eicar\n"),
    }


def test_clean_mail_is_left_as_it_is():
    assert decision.judge_virus(virus(anna="reject"), Clean(), ScanPolicy()) == {}


def test_without_a_verdict_the_client_is_asked_to_try_later():
    verdict = decision.judge_virus(virus(anna="remove"), Unavailable("gone"), ScanPolicy())
    assert isinstance(verdict, Refusal)
    assert (verdict.reply.code, verdict.reply.status, verdict.statistic) == (451, "4.3.0", "")


@pytest.mark.parametrize(
    ("result", "policy"), [(Unavailable("gone"), ScanPolicy(clamfailopen=True)), (TooBig(), ScanPolicy())]
)
def test_mail_that_passes_unscanned_says_so(result, policy):
    fates = decision.judge_virus(virus(anna="reject"), result, policy)
    assert isinstance(fates, dict)
    assert fates[ANNA].fields.startswith(b"X-Virus-Status: Unscanned")
    assert not fates[ANNA].drop
    assert not fates[ANNA].folder


# Spam


SCORE = SpamScore(8.0, 5.0, True, ("A_RULE",))


def judged(duties, score=SCORE, others=False):
    return decision.judge_spam(duties, dict.fromkeys(duties, score), SENDER, others)


def test_spam_is_marked_moved_or_removed_for_each_as_they_like():
    fates = judged(spam(anna="mark", bob="move", carol="remove"))
    anna, bob, carol = fates.values()
    assert b"X-Spam-Flag: YES" in anna.fields
    assert (anna.folder, bob.folder) == ("", ".Spam")
    assert bob.fields == anna.fields
    assert carol == Fate(drop=True, statistic="rejspam")


def test_spam_is_refused_when_nobody_wants_it():
    for actions in (
        {"anna": "reject"},
        {"anna": "reject", "bob": "reject"},
        {"anna": "reject", "bob": "remove"},
    ):
        verdict = judged(spam(**actions))
        assert isinstance(verdict, Refusal)
        assert (verdict.reply.code, verdict.reply.status) == (554, "5.3.2")
        assert (verdict.condition, verdict.statistic, verdict.info) == (
            "Spam_Message", "rejspam", "score=8.0",
        )  # fmt: skip


@pytest.mark.parametrize("others", [False, True])
def test_who_wanted_a_refusal_gets_spam_into_the_folder_while_another_wants_it(others):
    duties = spam(anna="reject") if others else spam(anna="reject", bob="mark")
    fates = judged(duties, others=others)
    assert isinstance(fates, dict)
    assert fates[ANNA].folder == ".Spam"
    assert not fates[ANNA].drop


def test_all_may_want_it_removed_without_a_refusal():
    assert judged(spam(anna="remove", bob="remove")) == dict.fromkeys(
        (ANNA, BOB), Fate(drop=True, statistic="rejspam")
    )


def test_max_score_is_the_recipients_own_threshold():
    for limit, is_spam in ((7.9, True), (8.0, False), (14, False), (None, True)):
        fates = judged({ANNA: SpamPolicy(SpamAction.MOVE, max_score=limit)})
        assert fates[ANNA].folder == (".Spam" if is_spam else ""), limit
        assert b"required=%.1f" % (5.0 if limit is None else limit) in fates[ANNA].fields


def test_lists_of_senders_outrank_the_score():
    white = SpamPolicy(SpamAction.MOVE, white=("*@far.test",))
    black = SpamPolicy(SpamAction.MARK, black=("*@far.test",))
    assert judged({ANNA: white})[ANNA].folder == ""
    assert b"X-Spam-Flag" not in judged({ANNA: white})[ANNA].fields
    assert isinstance(judged({ANNA: black}, SpamScore(-5, 5, False)), Refusal)
    assert judged({ANNA: black, BOB: white}, None)[ANNA].folder == ".Spam"
    gone = SpamPolicy(SpamAction.REMOVE, black=("*@far.test",))
    assert judged({ANNA: gone}, None)[ANNA].drop
    assert not decision.needs_score(white, SENDER)
    assert not decision.needs_score(black, SENDER)
    assert decision.needs_score(black, at("anna@good.test"))


def test_mail_without_a_score_passes():
    fates = judged(spam(anna="reject", bob="remove"), Unavailable("gone"))
    assert {one.fields for one in fates.values()} == {b"X-Spam-Status: Unscanned, the scanner is away\n"}
    assert judged(spam(anna="reject"), None) == {ANNA: decision.DELIVERED}


ACTIONS = st.lists(st.sampled_from(SpamAction), min_size=1, max_size=5)
RESULTS = st.builds(SpamScore, st.floats(-20, 20), st.just(5.0), st.booleans()) | st.just(Unavailable("gone"))


@given(ACTIONS, RESULTS, st.booleans())
def test_only_who_asked_for_removal_loses_spam(actions, result, others):
    duties = {at(f"u{n}@one.test"): SpamPolicy(action) for n, action in enumerate(actions)}
    verdict = judged(duties, result, others)
    if isinstance(verdict, Refusal):
        assert not others
        assert SpamAction.REJECT in actions
        assert set(actions) <= {SpamAction.REJECT, SpamAction.REMOVE}
        return
    assert set(verdict) == set(duties)
    for recipient, fate in verdict.items():
        assert not fate.drop or duties[recipient].action is SpamAction.REMOVE
