"""The queue and local delivery: right in the ordinary case, and after dying between any two steps."""

import asyncio
import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.store.group_commit import commit_now
from heliosphere.mta.adapters.store.mailbox_directory import MailboxDirectory
from heliosphere.mta.adapters.store.maildir_files import MaildirMailboxes
from heliosphere.mta.adapters.store.spool_files import ABANDONED_AFTER, SpoolFiles
from heliosphere.mta.adapters.store.vpopmail_tree import system_clock
from heliosphere.mta.queue.states import (
    Channel,
    Envelope,
    channel_bytes,
    parse_channel,
    parse_todo,
    todo_bytes,
)
from heliosphere.mta.rules.delivery.bounces import BounceNames
from heliosphere.mta.rules.delivery.outcomes import deferred, failed
from heliosphere.mta.rules.delivery.retry import LOCAL_STEP, REMOTE_STEP, is_expired, next_attempt
from heliosphere.mta.rules.errors import Refused
from heliosphere.mta.services.deliver_local import LocalDelivery
from heliosphere.mta.services.schedule import QueueRunner, SendSettings
from tests.mta.support import Events, Wall, messages_in

NAMES = BounceNames("MAILER-DAEMON@mx.one.test", "mx.one.test", "postmaster@one.test")
MESSAGE = (b"Received: by test\n", b"Subject: hi\n\nhello\n")


class NoPostman:
    """Remote delivery that answers with what the test put here."""

    def __init__(self, outcome=None):
        self.outcome = outcome or deferred("not now", "4.4.1")
        self.calls = []

    async def deliver(self, sender, domain, recipients, message):
        self.calls.append((sender, domain, list(recipients)))
        return [self.outcome] * len(recipients)


class Rig:
    """A queue over a tree, with a clock to move."""

    def __init__(self, tree, fault=lambda step: None):
        self.tree, self.clock, self.log = tree, Wall(), Events()
        self.postman = NoPostman()
        self.lifetime = 604800
        self.spool = SpoolFiles(tree.root / "qmail" / "queue", fault)
        self.spool.ensure()
        self.directory = MailboxDirectory(tree, ControlFiles(tree.qmail.control), system_clock)
        self.boxes = MaildirMailboxes("mx.one.test", system_clock, fault)

    def runner(self):
        local = LocalDelivery(self.directory, self.boxes, self.spool, commit_now)
        return QueueRunner(
            self.spool, self.directory, local, self.postman, self.log, self.clock,
            lambda: SendSettings({Channel.LOCAL: 5, Channel.REMOTE: 5}, self.lifetime, NAMES),
        )  # fmt: skip

    def inject(self, sender, *recipients, parts=MESSAGE):
        self.spool.inject(Envelope(sender, recipients), parts)

    def run(self):
        """As `send` would after a start, until nothing is due."""

        async def once():
            runner = self.runner()
            runner.load()
            await runner.settle()

        asyncio.run(once())

    def files(self):
        root = self.tree.root / "qmail" / "queue"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture
def rig(tree):
    return Rig(tree)


def test_a_message_for_two_mailboxes_arrives_and_leaves_nothing_behind(rig, tree):
    rig.inject("x@far.test", "alice@one.test", "carol@two.test")
    rig.run()
    for address in ("alice@one.test", "carol@two.test"):
        (message,) = messages_in(tree, address)
        assert message == (
            b"Return-Path: <x@far.test>\nDelivered-To: " + address.encode() + b"\n" + b"".join(MESSAGE)
        )
    assert rig.files() == []
    assert rig.log.names() == ["queue.new", "delivery.success", "delivery.success", "queue.end"]


@pytest.mark.guide("MAIL-BOUNCE-015")
def test_an_unknown_mailbox_comes_back_to_the_sender_as_a_qsbmf_bounce(rig, tree):
    rig.inject("bob@one.test", "nobody@one.test", "alice@one.test")
    rig.run()
    rig.run()
    (bounce,) = messages_in(tree, "bob@one.test")
    text = bounce.decode()
    assert text.startswith("Return-Path: <>\n")
    assert "\nFrom: MAILER-DAEMON@mx.one.test\nTo: bob@one.test\nSubject: failure notice\n" in text
    assert "\nHi. This is the " in text
    assert "\n<nobody@one.test>:\n" in text
    assert "\n--- Below this line is a copy of the message.\n\nReturn-Path: <bob@one.test>\n" in text
    assert "Subject: hi" in text
    assert "hello" not in text
    assert len(messages_in(tree, "alice@one.test")) == 1
    assert rig.files() == []


@pytest.mark.guide("MAIL-BOUNCE-018")
def test_a_bounce_that_cannot_be_delivered_goes_to_the_postmaster_and_then_nowhere(rig, tree):
    rig.inject("", "nobody@one.test")
    rig.run()
    (double,) = messages_in(tree, "postmaster@one.test")
    assert double.startswith(b"Return-Path: <#@[]>\n")
    assert b"the original bounce" in double
    rig.inject("#@[]", "nobody@one.test")
    rig.run()
    assert len(messages_in(tree, "postmaster@one.test")) == 1
    assert "bounce.discarded" in rig.log.names()
    assert rig.files() == []


def test_a_full_mailbox_bounces_in_the_queue(rig, tree):
    tree.change_user("alice@one.test", quota_bytes=10)
    rig.inject("bob@one.test", "alice@one.test")
    rig.run()
    assert messages_in(tree, "alice@one.test") == []
    (bounce,) = messages_in(tree, "bob@one.test")
    assert b"(#5.2.2)" in bounce


@pytest.mark.guide("VPOP-064")
def test_a_forward_file_sends_on_and_a_loop_ends(rig, tree):
    directory = tree.domain_dir("one.test")
    (directory / ".qmail-sales").write_text("# team\n&alice@one.test\ncarol@two.test\n")
    (directory / ".qmail-loop").write_text("&loop@one.test\n")
    rig.inject("bob@one.test", "sales@one.test", "loop@one.test")
    rig.run()
    assert b"Delivered-To: sales@one.test\n" in messages_in(tree, "alice@one.test")[0]
    assert len(messages_in(tree, "carol@two.test")) == 1
    (bounce,) = messages_in(tree, "bob@one.test")
    assert b"looping" in bounce
    assert rig.files() == []


def test_mail_for_a_program_waits_and_is_not_lost(rig, tree):
    (tree.domain_dir("one.test") / ".qmail-robot").write_text("|/usr/bin/robot\n")
    rig.inject("bob@one.test", "robot@one.test")
    rig.run()
    assert "delivery.deferred" in rig.log.names()
    assert any(name.startswith("mess/") for name in rig.files())


def test_a_deferred_message_is_tried_on_the_quadratic_schedule(rig):
    rig.inject("bob@one.test", "joe@far.test")
    birth = rig.clock.now.timestamp()
    rig.run()
    tries = [len(rig.postman.calls)]
    for age in (399, 402, 1599, 1603):
        rig.clock.forward(birth + age - rig.clock.now.timestamp())
        rig.run()  # each time as a program started anew: the schedule is kept on disk
        tries.append(len(rig.postman.calls))
    assert tries == [1, 1, 2, 2, 3]


@pytest.mark.guide("MAIL-CTL-046")
def test_a_message_past_its_lifetime_gets_one_last_try_and_bounces(rig, tree):
    rig.inject("bob@one.test", "joe@far.test")
    rig.run()
    rig.clock.forward(rig.lifetime + 10)
    rig.run()
    assert len(rig.postman.calls) == 2
    assert b"in the queue too long" in messages_in(tree, "bob@one.test")[0]
    assert rig.files() == []


def test_recipients_of_one_domain_share_a_connection(rig):
    rig.inject("bob@one.test", "a@far.test", "b@far.test", "c@other.test", "alice@one.test")
    rig.run()
    assert sorted(rig.postman.calls) == [
        ("bob@one.test", "far.test", ["a@far.test", "b@far.test"]),
        ("bob@one.test", "other.test", ["c@other.test"]),
    ]


def test_a_permanent_remote_failure_bounces_only_that_recipient(rig, tree):
    rig.postman.outcome = failed("Remote host said: 550 no", "550")
    rig.inject("bob@one.test", "a@far.test", "alice@one.test")
    rig.run()
    assert b"<a@far.test>:\nRemote host said: 550 no\n" in messages_in(tree, "bob@one.test")[0]
    assert len(messages_in(tree, "alice@one.test")) == 1


def test_a_damaged_envelope_is_set_aside_and_does_not_stop_the_queue(rig, tree):
    rig.inject("bob@one.test", "alice@one.test")
    (number,) = rig.spool.waiting()
    (tree.root / "qmail/queue/todo" / str(number)).write_bytes(b"Fbob\0Talice")
    rig.inject("bob@one.test", "alice@one.test")
    rig.run()
    assert len(messages_in(tree, "alice@one.test")) == 1
    assert "queue.damaged" in rig.log.names()


def test_what_a_crash_left_before_acceptance_is_removed_after_a_day_and_a_half(rig, tree):
    job = rig.spool.prepare(Envelope("a@b.test", ("alice@one.test",)), MESSAGE)
    real, steps = rig.spool, []
    assert real.clean(system_clock().timestamp()) == 0
    del job
    assert real.clean(system_clock().timestamp() + ABANDONED_AFTER + 60) == 1
    assert (rig.files(), steps) == ([], [])


# Dying between two steps


def die_after(count, work):
    """Run `work(fault)` in a process that ends, as by kill -9, at fault number `count`. Did it get there?"""
    pid = os.fork()
    if pid == 0:
        left = [count]

        def fault(step):
            if left[0] == 0:
                os._exit(9)
            left[0] -= 1

        try:
            work(fault)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


def steps_of(work):
    seen = []
    work(seen.append)
    return seen


def test_no_crash_leaves_half_a_message_in_a_mailbox(tree):
    from heliosphere.mta.rules.store.routing import MailboxTarget

    targets = []
    for address in ("alice@one.test", "bob@one.test", "carol@two.test"):
        user = tree.find_user(address)
        targets.append(MailboxTarget(user.address, user.maildir, user.quota))

    def deliver(fault):
        boxes = MaildirMailboxes("mx.one.test", system_clock, fault)
        commit_now(boxes.prepare(targets, MESSAGE))

    steps = steps_of(deliver)
    assert steps == [
        "maildir.written",
        "maildir.synced",
        "maildir.linked",
        "maildir.linked",
        "maildir.renamed",
    ]
    for count in range(len(steps)):
        assert die_after(count, deliver)
    for target in targets:
        assert all(message == b"".join(MESSAGE) for message in messages_in(tree, target.address))
        assert messages_in(tree, target.address)


def test_several_recipients_share_one_file(tree):
    from heliosphere.mta.rules.store.routing import MailboxTarget

    users = [tree.find_user(address) for address in ("alice@one.test", "carol@two.test")]
    targets = [MailboxTarget(user.address, user.maildir, user.quota) for user in users]
    commit_now(MaildirMailboxes("mx", system_clock).prepare(targets, MESSAGE))
    inodes = {path.stat().st_ino for user in users for path in (user.maildir / "new").iterdir()}
    assert len(inodes) == 1
    (name,) = os.listdir(users[0].maildir / "new")
    assert name.endswith(f",S={len(b''.join(MESSAGE))}")
    assert os.listdir(users[0].maildir / "tmp") == []


def test_a_crash_while_queueing_accepts_all_or_nothing(tree):
    def queue(fault):
        Rig(tree, fault).inject("bob@one.test", "alice@one.test")

    steps = steps_of(queue)
    Rig(tree).run()
    for count, step in enumerate(steps):
        before = len(messages_in(tree, "alice@one.test"))
        assert die_after(count, queue)
        waiting = Rig(tree).spool.waiting()
        assert len(waiting) == (1 if step == "spool.todo" else 0), step
        Rig(tree).run()
        assert len(messages_in(tree, "alice@one.test")) == before + len(waiting)
    Rig(tree).spool.clean(system_clock().timestamp() + ABANDONED_AFTER + 60)
    assert Rig(tree).files() == []


def test_a_crash_anywhere_in_the_life_of_a_queued_message_loses_nothing(tree, tmp_path):
    """Local delivery, failure, bounce, removal: dying after each single step, then starting again."""

    def live(fault):
        rig = Rig(tree, fault)
        rig.run()
        rig.run()

    Rig(tree).inject("bob@one.test", "alice@one.test", "nobody@one.test")
    steps = steps_of(live)
    assert {"sort.local", "sort.info", "sort.todo-removed", "maildir.renamed", "deliver.marked",
            "bounce.reported", "spool.todo", "bounce.removed", "remove.info", "remove.mess",
            } <= set(steps)  # fmt: skip
    for count in range(len(steps)):
        alice, bob = len(messages_in(tree, "alice@one.test")), len(messages_in(tree, "bob@one.test"))
        Rig(tree).inject("bob@one.test", "alice@one.test", "nobody@one.test")
        assert die_after(count, live), (count, steps[count])
        for _ in range(2):
            Rig(tree).run()
        # Twice is allowed after a crash, never is not.
        assert 1 <= len(messages_in(tree, "alice@one.test")) - alice <= 2, steps[count]
        assert 1 <= len(messages_in(tree, "bob@one.test")) - bob <= 2, steps[count]
        left = [name for name in Rig(tree).files() if not name.startswith(("pid/", "mess/", "intd/"))]
        assert left == [], steps[count]


# Rules


@pytest.mark.parametrize(
    ("step", "ages"),
    [(LOCAL_STEP, [0, 100, 400, 900, 1600, 2500, 3600, 4900, 6400, 8100, 10000]),
     (REMOTE_STEP, [0, 400, 1600, 3600, 6400, 10000, 14400, 19600, 25600, 32400, 40000])],
)  # fmt: skip
def test_the_retry_table(step, ages):
    for age, following in itertools.pairwise(ages):
        assert next_attempt(1000, 1000 + age, step) == 1000 + following


def test_lifetime_is_passed_only_beyond_it():
    assert not is_expired(0, 604800, 604800)
    assert is_expired(0, 604801, 604800)


ADDRESSES = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30
)


@given(ADDRESSES | st.just(""), st.lists(ADDRESSES, min_size=1))
def test_an_envelope_is_read_back_as_written(sender, recipients):
    envelope = Envelope(sender, tuple(recipients))
    assert parse_todo(todo_bytes(envelope, 1, 2)) == envelope
    found = parse_channel(channel_bytes(recipients))
    assert [one.address for one in found] == recipients


@given(st.binary())
def test_any_envelope_file_is_read_or_refused(data):
    parse_channel(data)
    try:
        parse_todo(data)
    except Refused:
        return


def test_an_address_too_long_for_the_queue_is_refused():
    with pytest.raises(Refused):
        todo_bytes(Envelope("a" * 1004, ("b@c.test",)), 1, 1)
