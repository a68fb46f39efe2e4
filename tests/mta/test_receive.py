"""What becomes of an accepted message: mailboxes at once, the queue, or a refusal."""

import asyncio
import base64

import pytest

from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.files.filter_clients import FilterClients
from heliosphere.mta.adapters.store.group_commit import GroupCommit, commit_batch
from heliosphere.mta.adapters.store.mailbox_directory import MailboxDirectory
from heliosphere.mta.adapters.store.maildir_files import MaildirMailboxes
from heliosphere.mta.adapters.store.maildir_usage import QuotaBook
from heliosphere.mta.adapters.store.spool_files import SpoolFiles
from heliosphere.mta.adapters.store.vpopmail_tree import system_clock
from heliosphere.mta.rules.addresses import parse_address
from heliosphere.mta.rules.content.decision import ScanPolicy
from heliosphere.mta.rules.facts import Mailbox, RecipientOf, SenderOf, Unavailable
from heliosphere.mta.rules.headers import Hop
from heliosphere.mta.rules.session import Client, Session, SmtpPolicy
from heliosphere.mta.rules.store.flags import Service, UserFlag
from heliosphere.mta.rules.store.quota import Quota
from heliosphere.mta.services.check_message import ContentSettings, MessageChecker
from heliosphere.mta.services.find_facts import FactFinder
from heliosphere.mta.services.ports import SignInRefused
from heliosphere.mta.services.receive import Receiver
from heliosphere.mta.services.scan import Scanner
from heliosphere.mta.services.sign_in import SmtpSignIn
from heliosphere.mta.wire.smtp_questions import Accept, SignIn, SignInFailed
from tests.mta.support import SECRET, Events, messages_in

HOP = Hop("192.0.2.5", "c.test", "ESMTP", "mx.one.test")


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def directory(tree):
    return MailboxDirectory(tree, ControlFiles(tree.qmail.control), system_clock)


@pytest.fixture
def spool(tree):
    spool = SpoolFiles(tree.root / "qmail" / "queue")
    spool.ensure()
    return spool


@pytest.fixture
def pauses():
    return []


class Guard:
    """Counts failures and blocks whom the test names."""

    def __init__(self):
        self.blocked, self.failures = set(), []

    def is_blocked(self, ip, account):
        return ip in self.blocked or account in self.blocked

    def failed(self, ip, account):
        self.failures.append((ip, account))


@pytest.fixture
def guard():
    return Guard()


@pytest.fixture
def signer(directory, guard, events, pauses):
    async def pause(seconds):
        pauses.append(seconds)

    return SmtpSignIn(directory, guard, events, pause)


@pytest.fixture
def facts(directory, events):
    return FactFinder(directory, None, None, events)


@pytest.fixture
async def receiver(tree, directory, spool, events, facts):
    boxes = MaildirMailboxes("mx.one.test", system_clock)
    checker = MessageChecker(facts, system_clock)
    return Receiver(directory, boxes, spool, GroupCommit(), checker, events, system_clock)


def letter(*recipients, sender="x@far.test", body=b"Subject: hi\n\nhello\n"):
    policy, sender = SmtpPolicy("mx.one.test", "mx.one.test"), parse_address(sender)
    session = Session(Client("192.0.2.5", False), policy, sender=sender)
    return Accept(session, sender, tuple(map(parse_address, recipients)), body, HOP, None)


async def take(receiver, question, token="T"):
    scanner = Scanner(None, None, FilterClients(receiver.directory._tree.qmail.control), receiver.log)
    settings = ContentSettings(ScanPolicy(), scanner, False, 0, None, False)
    return (await receiver.accept(question, settings, token)).reply


def fact(facts, one):
    return facts.now((one,))[one]


async def test_local_mail_is_in_the_mailbox_when_250_is_said(receiver, tree, spool, events):
    reply = await take(receiver, letter("Alice@ONE.test"))
    assert reply.code == 250
    (message,) = messages_in(tree, "alice@one.test")
    assert message.startswith(b"Return-Path: <x@far.test>\nDelivered-To: alice@one.test\nReceived: from ")
    assert b"(HELO c.test) (192.0.2.5)\n  by mx.one.test with ESMTP; " in message
    assert spool.waiting() == []
    assert events.seen[0][1]["how"] == "delivered"


async def test_a_mailbox_named_twice_gets_one_copy(receiver, tree):
    tree.add_domain_alias("one.test", "uno.test")
    await take(receiver, letter("alice@one.test", "ALICE@uno.test", "bob@one.test"))
    assert len(messages_in(tree, "alice@one.test")) == 1
    assert b"Delivered-To" not in messages_in(tree, "bob@one.test")[0]


@pytest.mark.parametrize("other", ["joe@far.test", "nobody@one.test"])
async def test_anything_but_plain_mailboxes_goes_through_the_queue(receiver, tree, spool, other):
    reply = await take(receiver, letter("alice@one.test", other))
    assert reply.code == 250
    assert len(messages_in(tree, "alice@one.test")) == 1
    (number,) = spool.waiting()
    assert spool.read(number).startswith(b"Received: from ")


async def test_a_full_mailbox_refuses_and_books_nothing(receiver, tree, spool):
    tree.change_user("alice@one.test", quota_bytes=20)
    reply = await take(receiver, letter("alice@one.test"))
    assert (reply.code, reply.status) == (552, "5.2.2")
    assert tree.usage("alice@one.test") == (0, 0)
    reply = await take(receiver, letter("alice@one.test", "bob@one.test"))
    assert reply.code == 250  # bob gets it, the sender hears of alice, by way of the queue
    assert len(spool.waiting()) == 1


async def test_the_quota_is_exact_to_the_byte(receiver, tree):
    from heliosphere.mta.rules.headers import received_field

    body = b"Subject: hi\n\nhello\n"
    piped = len(received_field(HOP, system_clock().replace(day=21))) + len(body)
    day = len(str(system_clock().day)) - 2
    tree.change_user("alice@one.test", quota_bytes=piped + day)
    assert (await take(receiver, letter("alice@one.test", body=body))).code == 250
    stored = len(messages_in(tree, "alice@one.test")[0])
    assert tree.usage("alice@one.test") == (stored, 1)
    assert (await take(receiver, letter("alice@one.test", body=b"\n"))).code == 552
    tree.change_user("bob@one.test", quota_bytes=piped + day - 1)
    assert (await take(receiver, letter("bob@one.test", body=body))).code == 552


async def test_two_deliveries_at_once_never_pass_the_quota(receiver, tree):
    tree.change_user("alice@one.test", quota_bytes=1000)
    letters = [letter("alice@one.test", body=b"x" * 600) for _ in range(8)]
    codes = [one.code for one in await asyncio.gather(*(take(receiver, one) for one in letters))]
    assert sorted(codes) == [250] + [552] * 7
    assert len(messages_in(tree, "alice@one.test")) == 1


async def test_a_store_that_cannot_be_written_is_a_temporary_answer(receiver, tree, events, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    tree.change_user("alice@one.test", quota_bytes=100_000)
    monkeypatch.setattr("heliosphere.mta.adapters.store.maildir_files.os.fsync", full)
    reply = await take(receiver, letter("alice@one.test", "bob@one.test"))
    assert reply.code == 451
    monkeypatch.undo()
    assert messages_in(tree, "alice@one.test") == messages_in(tree, "bob@one.test") == []
    assert tree.usage("alice@one.test") == (0, 0)
    assert events.names() == ["smtp.store_failed"]


async def test_many_messages_share_a_batch_and_all_arrive(receiver, tree):
    replies = await asyncio.gather(*(take(receiver, letter("alice@one.test"), str(n)) for n in range(50)))
    assert {one.code for one in replies} == {250}
    assert len(messages_in(tree, "alice@one.test")) == 50


def test_one_bad_job_does_not_spoil_its_batch():
    class Job:
        def __init__(self, trouble=None):
            self.trouble, self.undone = trouble, False

        def run(self):
            if self.trouble:
                raise self.trouble
            return ()

        def undo(self):
            self.undone = True

    jobs = [Job(), Job(OSError(5, "bad disk")), Job()]
    results = commit_batch(jobs)
    assert [one is None for one in results] == [True, False, True]
    assert [job.undone for job in jobs] == [False, True, False]


# Facts


def test_facts_of_recipients(facts, tree):
    tree.add_user("full@one.test", "x", quota_bytes=10)
    maildir = tree.find_user("full@one.test").maildir
    (maildir / "new" / "1.2.h,S=10").write_text("x" * 10)
    QuotaBook(maildir, Quota(bytes=10)).write_fresh()
    tree.change_user("bob@one.test", flags=UserFlag.BOUNCE_MAIL)

    def found(address, size=0):
        return fact(facts, RecipientOf(parse_address(address), size))

    assert found("alice@one.test").mailbox is Mailbox.FOUND
    assert found("nobody@one.test").mailbox is Mailbox.ABSENT
    assert found("bob@one.test").mailbox is Mailbox.CLOSED
    assert found("full@one.test").is_full
    assert not found("alice@one.test", 10**9).is_full
    assert not found("joe@far.test").is_accepted_domain
    (tree.domain_dir("one.test") / ".qmail-default").write_text("| /v/bin/vdelivermail '' delete\n")
    assert found("nobody@one.test").mailbox is Mailbox.DISCARDS


def test_without_rcpthosts_only_domains_held_here_are_accepted(receiver, tree):
    (tree.qmail.control / "rcpthosts").unlink()
    assert receiver.directory.accepts("one.test")
    assert not receiver.directory.accepts("far.test")


def test_domains_beyond_fifty_are_accepted_through_the_cdb(receiver, tree):
    for number in range(52):
        tree.qmail.accept_domain(f"d{number:02}.test")
    assert receiver.directory.accepts("d51.test")
    assert not receiver.directory.accepts("d99.test")


def test_a_damaged_vpasswd_cdb_is_trouble_and_not_an_unknown_user(facts, tree):
    path = tree.domain_dir("one.test") / "vpasswd.cdb"
    path.write_bytes(path.read_bytes()[:1000])
    assert isinstance(fact(facts, RecipientOf(parse_address("alice@one.test"), 0)), Unavailable)


def test_an_alias_domain_counts_as_the_same_domain(facts, tree):
    tree.add_domain_alias("one.test", "uno.test")

    def same(sender):
        return fact(facts, SenderOf(parse_address(sender), "alice@one.test"))

    assert same("x@uno.test").same_domain_as_login
    assert not same("x@two.test").same_domain_as_login


# Sign-in


@pytest.mark.parametrize("name", ["alice@one.test", "ALICE@One.Test", "alice%one.test", "alice/one.test"])
async def test_the_right_password_signs_in(signer, name):
    assert await signer.sign_in(SignIn(name, SECRET), "192.0.2.5") == "alice@one.test"


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice@one.test", "Wr0ng!"), ("alice@one.test", ""), ("nobody@one.test", SECRET), ("alice", SECRET),
     ("alice@nowhere.test", SECRET), ("../alice@one.test", SECRET), ("a\0b@one.test", SECRET)],
)  # fmt: skip
async def test_anything_else_does_not_and_costs_five_seconds(signer, events, pauses, name, password):
    assert await signer.sign_in(SignIn(name, password), "192.0.2.5") is SignInFailed.WRONG
    assert pauses == [5.0]
    assert events.names() == ["auth.refused"]
    assert password not in str(events.seen) or not password


@pytest.mark.parametrize("flag", [UserFlag.NO_RELAY, UserFlag.NO_SMTP])
async def test_flags_close_sign_in_to_smtp(signer, tree, directory, flag):
    tree.change_user("alice@one.test", flags=flag)
    assert await signer.sign_in(SignIn("alice@one.test", SECRET), "x") is SignInFailed.WRONG
    assert directory.sign_in("alice@one.test", SECRET, Service.POP3) == "alice@one.test"


def test_a_suspended_domain_closes_every_sign_in(directory, tree):
    tree.suspend_domain("one.test")
    for service in Service:
        with pytest.raises(SignInRefused):
            directory.sign_in("alice@one.test", SECRET, service)
    tree.resume_domain("one.test")
    for service in Service:
        directory.sign_in("alice@one.test", SECRET, service)


def test_base64_of_the_published_example_is_understood():
    from heliosphere.mta.wire.smtp_commands import decode_base64, split_plain

    assert split_plain(decode_base64("AGFsaWNlQGV4YW1wbGUudGVzdABzM2NyZXQ=")) == (
        "alice@example.test", "s3cret",
    )  # fmt: skip
    assert decode_base64("no!") is None
    assert split_plain(base64.b64decode("YWJj")) is None
