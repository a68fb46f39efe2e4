"""Greylisting: who must come again, who is known, and a store that several processes share."""

import multiprocessing
import sqlite3
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.store.greylist_store import GreylistStore
from heliosphere.mta.rules.clients.greylisting import (
    DAY,
    ClientRecord,
    GreylistReason,
    GreylistSettings,
    TripletRecord,
    judge_greylisting,
    lasting_sender,
    make_triplet,
)
from tests.mta.support import Events

NOW = 1_700_000_000
SETTINGS = GreylistSettings()
MAIL = ("192.0.2.10", "joe@far.test", "alice@one.test")


# What is recognised


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.1", "192.0.2.0/24"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
    ],
)
def test_a_client_counts_by_its_network(ip, network):
    assert make_triplet(ip, "A@b.test", "C@D.test").network == network


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("news-return-123-alice=one.test@list.test", "news-return-124-bob=two.test@list.test"),
        ("bounces+9871234-ab12cd34ef-x@mail.test", "bounces+1111-99aa00bb11-x@mail.test"),
        ("SRS0=Ab1=XY=far.test=joe@fwd.test", "srs0=Zz9=QQ=far.test=joe@fwd.test"),
        ("SRS1=Ab=fwd.test==Hh=Tt=far.test=joe@two.test", "SRS1=Xy=fwd.test==Ii=Uu=far.test=joe@two.test"),
        ("prvs=1234abcdef=joe@far.test", "joe@far.test"),
        ("prvs=joe/1234abcdef@far.test", "prvs=4321fedcba=joe@far.test"),
        ("btv1==abc123==joe@far.test", "Joe@FAR.test"),
        (
            "010001-3f2b8c1e-1111-4222-8333-123456789abc-000@ses.test",
            "020002-aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee-000@ses.test",
        ),
    ],
)
def test_what_changes_from_mail_to_mail_is_left_out(one, other):
    assert lasting_sender(one) == lasting_sender(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("joe@far.test", "jim@far.test"), ("joe@far.test", "joe@near.test"), ("", "joe@far.test"),
     ("SRS0=Ab=Cd=far.test=joe@fwd.test", "SRS0=Ab=Cd=far.test=jim@fwd.test")],
)  # fmt: skip
def test_different_senders_stay_different(one, other):
    assert lasting_sender(one) != lasting_sender(other)


@given(st.text(max_size=1000))
def test_every_sender_has_a_lasting_form(sender):
    lasting_sender(sender)
    lasting_sender(f"{sender}@far.test")


@pytest.mark.parametrize(
    "local", ["-" * 900, "-=" * 450, "a-" * 120 + "=" + "." * 120 + "=", "srs1=" + "=" * 240, "1a" * 128]
)
def test_no_sender_takes_long(local):
    started = time.monotonic()
    for _ in range(20):
        lasting_sender(f"{local}@far.test")
    assert time.monotonic() - started < 1


# The decision


def judged(known, client=None, at=NOW, settings=SETTINGS):
    return judge_greylisting(known, client, at, settings)


def test_a_stranger_is_asked_to_come_again():
    decision = judged(None)
    assert (decision.accept, decision.reason, decision.wait) == (False, GreylistReason.NEW, 300)
    assert decision.triplet == TripletRecord(NOW, NOW)
    assert (decision.reply().code, decision.reply().status) == (451, "4.7.1")


def test_too_early_is_told_how_long_and_changes_nothing():
    decision = judged(TripletRecord(NOW, NOW), at=NOW + 100)
    assert (decision.accept, decision.wait, decision.triplet) == (False, 200, None)


def test_who_comes_again_in_time_is_taken():
    decision = judged(TripletRecord(NOW, NOW), at=NOW + 300)
    assert (decision.accept, decision.reply()) == (True, None)
    assert decision.triplet == TripletRecord(NOW, NOW + 300, True)
    assert decision.client == ClientRecord(1, NOW + 300)


@pytest.mark.parametrize(
    ("after", "reason"), [(2 * DAY, GreylistReason.CAME_AGAIN), (2 * DAY + 1, GreylistReason.NEW)]
)
def test_a_second_try_must_come_within_two_days(after, reason):
    assert judged(TripletRecord(NOW, NOW), at=NOW + after).reason is reason


@pytest.mark.parametrize(("after", "accept"), [(36 * DAY, True), (36 * DAY + 1, False)])
def test_what_passed_is_known_for_thirty_six_days(after, accept):
    assert judged(TripletRecord(NOW - DAY, NOW, True), at=NOW + after).accept is accept


def test_a_client_that_always_comes_again_is_believed():
    assert judged(None, ClientRecord(5, NOW)).reason is GreylistReason.GOOD_CLIENT
    assert not judged(None, ClientRecord(4, NOW)).accept
    assert not judged(None, ClientRecord(5, NOW - 37 * DAY)).accept
    assert not judged(None, ClientRecord(99, NOW), settings=GreylistSettings(good_clients=0)).accept


def test_a_clock_that_was_set_back_makes_nobody_wait_for_long():
    decision = judged(TripletRecord(NOW + 9 * DAY, NOW + 9 * DAY))
    assert (decision.reason, decision.wait) == (GreylistReason.NEW, 300)


_times = st.integers(NOW - 50 * DAY, NOW + 50 * DAY)
_triplets = st.none() | st.builds(TripletRecord, _times, _times, st.booleans())
_clients = st.none() | st.builds(ClientRecord, st.integers(0, 9), _times)


@given(_triplets, _clients, st.integers(0, 3 * DAY))
def test_whoever_waits_as_told_is_taken_next_time(known, client, later):
    first = judged(known, client)
    if first.accept:
        return
    known = first.triplet or known
    again = judged(known, client, at=NOW + first.wait + min(later, SETTINGS.window - SETTINGS.delay))
    assert 0 < first.wait <= SETTINGS.delay
    assert again.accept


# The store


@pytest.fixture
def log():
    return Events()


@pytest.fixture
def store(tmp_path, log):
    store = GreylistStore(tmp_path / "greylist.sqlite", log)
    yield store
    store.close()


def test_the_store_remembers_across_restarts(tmp_path, store, log):
    assert not store.judge(*MAIL, NOW, SETTINGS).accept
    store.close()
    other = GreylistStore(tmp_path / "greylist.sqlite", log)

    assert not other.judge(*MAIL, NOW + 299, SETTINGS).accept
    assert other.judge("192.0.2.200", *MAIL[1:], NOW + 300, SETTINGS).accept
    assert other.judge(*MAIL, NOW + 300 + 35 * DAY, SETTINGS).reason is GreylistReason.KNOWN
    assert not other.judge("192.0.3.10", *MAIL[1:], NOW, SETTINGS).accept
    other.close()


def test_each_mail_keeps_what_is_known_alive(store):
    store.judge(*MAIL, NOW, SETTINGS)
    at = NOW + 400
    for _ in range(4):
        assert store.judge(*MAIL, at, SETTINGS).accept
        at += 30 * DAY


def test_five_good_senders_make_a_good_client(store):
    for at in (NOW, NOW + 300):
        for number in range(5):
            store.judge("192.0.2.1", f"user{'x' * number}@far.test", "alice@one.test", at, SETTINGS)

    stranger = ("192.0.2.9", "new@other.test", "bob@one.test", NOW + 301, SETTINGS)
    assert store.judge(*stranger).reason is GreylistReason.GOOD_CLIENT


def test_peeking_remembers_nothing(store):
    for _ in range(2):
        assert store.peek(*MAIL, NOW, SETTINGS).reason is GreylistReason.NEW
    assert store.size() == 0


def test_what_is_over_is_forgotten(store):
    store.judge(*MAIL, NOW, SETTINGS)
    store.judge(*MAIL, NOW + 300, SETTINGS)
    store.judge("198.51.100.1", *MAIL[1:], NOW, SETTINGS)

    assert store.prune(NOW + 3 * DAY, SETTINGS) == 1
    assert store.prune(NOW + 300 + 36 * DAY, SETTINGS) == 0
    assert store.prune(NOW + 301 + 36 * DAY, SETTINGS) == 1
    assert store.size() == 0


def test_a_flood_of_strangers_does_not_grow_the_store_without_end(tmp_path, log):
    store = GreylistStore(tmp_path / "greylist.sqlite", log, max_triplets=300)
    store.judge(*MAIL, NOW, SETTINGS)
    store.judge(*MAIL, NOW + 300, SETTINGS)
    names = [f"{chr(97 + a)}{chr(97 + b)}@far.test" for a in range(26) for b in range(26)]
    for number in range(1100):
        store.judge(
            f"10.{number // 200}.{number % 200}.1", names[number % 676], "alice@one.test", NOW + 300, SETTINGS
        )

    assert "greylist.pruned" in log.names()
    assert store.size() <= 300 + 200
    assert store.judge(*MAIL, NOW + 301, SETTINGS).reason is GreylistReason.KNOWN
    store.close()


@pytest.mark.parametrize("sender", ["x" * 900 + "@far.test", "a\udcffb@far.test", "a\0b@far.test", ""])
def test_odd_senders_are_remembered_too(store, sender):
    store.judge("192.0.2.1", sender, "alice@one.test", NOW, SETTINGS)
    assert store.judge("192.0.2.1", sender, "alice@one.test", NOW + 300, SETTINGS).accept


def test_a_store_that_is_busy_takes_the_mail_and_says_so(tmp_path, log):
    store = GreylistStore(tmp_path / "greylist.sqlite", log, busy_limit=0.05)
    store.judge(*MAIL, NOW, SETTINGS)
    with sqlite3.connect(tmp_path / "greylist.sqlite", isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        decision = store.judge("198.51.100.1", *MAIL[1:], NOW, SETTINGS)
        assert time.monotonic() - started < 2
        assert (
            store.judge(*MAIL, NOW + 1, SETTINGS).reason is GreylistReason.TOO_EARLY
        )  # reading needs no lock
        holder.execute("ROLLBACK")
    holder.close()

    assert (decision.accept, decision.reason) == (True, GreylistReason.UNAVAILABLE)
    assert log.names() == ["greylist.unavailable"]
    assert not store.judge("198.51.100.1", *MAIL[1:], NOW, SETTINGS).accept
    store.close()


@pytest.mark.parametrize("damage", ["file", "directory", "gone"])
def test_a_store_that_is_broken_takes_the_mail(tmp_path, log, damage):
    path = tmp_path / "sub" / "greylist.sqlite"
    if damage != "gone":
        path.parent.mkdir()
    if damage == "file":
        path.write_bytes(b"no database at all" * 100)
    if damage == "directory":
        path.mkdir()
    store = GreylistStore(path, log)

    assert store.judge(*MAIL, NOW, SETTINGS).accept
    assert log.names() == ["greylist.unavailable"]
    assert store.peek(*MAIL, NOW, SETTINGS).accept


def _judge_many(path, network, start, queue):
    start.wait(30)
    log = Events()
    store = GreylistStore(path, log, busy_limit=20)
    own = [store.judge(f"10.{network}.{n}.1", *MAIL[1:], NOW, SETTINGS).reason.value for n in range(50)]
    shared = [store.judge(f"10.99.{n}.1", *MAIL[1:], NOW, SETTINGS).reason.value for n in range(20)]
    queue.put((own, shared, log.seen))


@pytest.mark.integration
def test_several_processes_share_one_store(tmp_path, store):
    fork = multiprocessing.get_context("fork")
    queue, start = fork.Queue(), fork.Event()
    workers = [
        fork.Process(target=_judge_many, args=(tmp_path / "greylist.sqlite", number, start, queue))
        for number in range(4)
    ]
    for one in workers:
        one.start()
    start.set()
    said = [queue.get(timeout=60) for _ in workers]
    for one in workers:
        one.join(60)

    assert [trouble for _, _, trouble in said] == [[]] * 4
    assert {reason for own, _, _ in said for reason in own} == {"first try"}
    for number in range(20):
        assert sorted(shared[number] for _, shared, _ in said).count("first try") == 1
    assert store.size() == 4 * 50 + 20
