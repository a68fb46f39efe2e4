"""The engine with real clamd and spamd: what a sender hears, and what lies in which mailbox."""

import smtplib
from contextlib import contextmanager

import pytest

from heliosphere.mta.rules.content.policy import parse_spam_policy, parse_virus_policy
from heliosphere.mta.store import set_client
from tests.mta.content import daemons
from tests.mta.content.samples import LETTER, PROGRAM, SPAM, VIRUS, attached
from tests.mta.support import SECRET, messages_in
from tests.mta.test_serve import engine

pytestmark = pytest.mark.integration


def enrol(tree, which, address, policy):
    parse = parse_virus_policy if which == "clamavclients" else parse_spam_policy
    set_client(tree.qmail.control, which, address, parse(policy))


def control(tree, name, text):
    (tree.qmail.control / name).write_text(text)


@pytest.fixture
def served(tree, tmp_path, clamd, spamd):
    control(tree, "clamdsocket", clamd.endpoint + "\n")
    control(tree, "spamdsocket", spamd.endpoint + "\n")
    control(tree, "authresults", "0\n")  # no DNS in these tests
    control(tree, "spfbehavior", "0\n")
    with engine(tree.root, "--workers", "1", "--no-send", log=tmp_path / "mta.log") as one:
        yield one


@contextmanager
def client(served, name="smtp"):
    connection = served.smtp(name)
    try:
        yield connection
    finally:
        connection.close()


def send(served, message, *recipients):
    with client(served) as connection:
        return connection.sendmail("anna@far.test", recipients, message.replace(b"\n", b"\r\n"))


def folder(tree, address, name=".Spam"):
    path = tree.find_user(address).maildir / name / "new"
    return [one.read_bytes() for one in path.iterdir()] if path.is_dir() else []


@pytest.mark.guide("MAIL-AV-001", "MAIL-AV-002", "MAIL-AV-003", "MAIL-AV-004", "MAIL-AV-009")
def test_a_virus_is_refused_at_the_dot_for_who_is_enrolled(served, tree):
    assert send(served, VIRUS, "bob@one.test") == {}  # nobody enrolled: it passes
    enrol(tree, "clamavclients", "alice@one.test", "action=reject")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(served, VIRUS, "alice@one.test", "bob@one.test")
    assert caught.value.smtp_code == 554
    assert b"5.3.2" in caught.value.smtp_error
    assert messages_in(tree, "alice@one.test") == []
    assert len(messages_in(tree, "bob@one.test")) == 1
    assert send(served, LETTER, "alice@one.test") == {}
    assert "Reject::DATA::Virus_Infected" in served.log.read_text()


@pytest.mark.guide("MAIL-AV-001", "MAIL-AV-005", "MAIL-AV-006")
def test_spam_is_marked_for_who_is_enrolled_and_untouched_for_others(served, tree):
    enrol(tree, "spamdclients", "alice@one.test", "action=mark subject=[SPAM]")
    assert send(served, SPAM, "alice@one.test", "bob@one.test") == {}
    (marked,) = messages_in(tree, "alice@one.test")
    assert b"X-Spam-Flag: YES" in marked
    assert b"Subject: [SPAM] hello" in marked
    (plain,) = messages_in(tree, "bob@one.test")
    assert b"X-Spam" not in plain


def test_each_recipient_gets_the_own_action(served, tree):
    actions = {"alice@one.test": "action=move folder=Spam", "bob@one.test": "action=remove"}
    for address, action in actions.items():
        enrol(tree, "spamdclients", address, action)
    assert send(served, SPAM, "alice@one.test", "bob@one.test", "carol@two.test") == {}
    assert messages_in(tree, "alice@one.test") == messages_in(tree, "bob@one.test") == []
    (moved,) = folder(tree, "alice@one.test")
    assert b"X-Spam-Status: Yes" in moved
    assert len(messages_in(tree, "carol@two.test")) == 1
    assert tree.usage("alice@one.test")[1] in (0, 1)


def test_who_wants_it_refused_gets_it_refused_when_alone(served, tree):
    enrol(tree, "spamdclients", "@one.test", "action=reject")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(served, SPAM, "alice@one.test", "bob@one.test")
    assert caught.value.smtp_code == 554
    assert send(served, SPAM, "alice@one.test", "carol@two.test") == {}  # carol wants it
    assert len(folder(tree, "alice@one.test")) + len(messages_in(tree, "alice@one.test")) == 1


@pytest.mark.guide("MAIL-AV-063", "MAIL-AV-065", "MAIL-AV-066", "MAIL-AV-037", "MAIL-AV-035")
def test_who_signed_in_may_be_spared(served, tree):
    control(tree, "clamglobal", "1\n")
    control(tree, "spamglobal", "1\n")
    with pytest.raises(smtplib.SMTPDataError):
        submit(served, VIRUS)
    control(tree, "skipcachk", "1\n")
    control(tree, "skipsachk", "1\n")
    submit(served, VIRUS)
    submit(served, SPAM)
    assert b"X-Spam" not in messages_in(tree, "bob@one.test")[-1]
    with pytest.raises(smtplib.SMTPDataError):
        send(served, VIRUS, "bob@one.test")


def submit(served, message):
    with client(served, "submission") as connection:
        connection.login("alice@one.test", SECRET)
        connection.sendmail("alice@one.test", ["bob@one.test"], message.replace(b"\n", b"\r\n"))


@pytest.mark.guide("MAIL-CTL-128", "MAIL-CTL-140")
def test_programs_are_refused_by_their_first_bytes_for_who_has_antivirus(served, tree):
    (tree.qmail.control / "options").write_text("chksignature 1\n")
    program = attached(PROGRAM)
    assert send(served, program, "bob@one.test") == {}
    enrol(tree, "clamavclients", "@one.test", "action=quarantine")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(served, program, "bob@one.test")
    assert caught.value.smtp_code == 554
    assert "Reject::DATA::Bad_MIME" in served.log.read_text()


def test_quarantine_keeps_a_virus_in_the_folder(served, tree):
    enrol(tree, "clamavclients", "alice@one.test", "action=quarantine folder=Quarantine")
    assert send(served, VIRUS, "alice@one.test") == {}
    assert messages_in(tree, "alice@one.test") == []
    (kept,) = folder(tree, "alice@one.test", ".Quarantine")
    assert b"X-Virus-Status: Infected, Test.EICAR" in kept


@pytest.mark.guide("MAIL-AV-008", "MAIL-AV-010")
def test_without_clamd_mail_waits_and_without_spamd_it_passes(tree, tmp_path, spamd):
    with daemons.clamd(tmp_path / "own") as own:
        control(tree, "clamdsocket", own.endpoint + "\n")
        control(tree, "spamdsocket", spamd.endpoint + "\n")
        for name in ("clamglobal", "spamglobal"):
            control(tree, name, "1\n")
        for name in ("authresults", "spfbehavior"):
            control(tree, name, "0\n")
        with engine(tree.root, "--workers", "1", "--no-send", log=tmp_path / "mta.log") as served:
            assert send(served, LETTER, "bob@one.test") == {}
            own.stop()
            with pytest.raises(smtplib.SMTPDataError) as caught:
                send(served, LETTER, "bob@one.test")
            assert caught.value.smtp_code == 451
            control(tree, "clamfailopen", "1\n")
            assert send(served, SPAM, "bob@one.test") == {}  # spamd still works
            control(tree, "clamglobal", "0\n")
            control(tree, "spamdsocket", own.endpoint + "\n")  # nobody listens there
            assert send(served, LETTER, "bob@one.test") == {}
    messages = messages_in(tree, "bob@one.test")
    assert sum(b"X-Spam-Flag: YES" in one for one in messages) == 1
    assert sum(b"Unscanned" in one for one in messages) == 2


def test_verdicts_that_a_sender_wrote_do_not_stay(served, tree):
    enrol(tree, "spamdclients", "alice@one.test", "action=mark")
    assert send(served, b"X-Spam-Status: No, score=-99\n" + SPAM, "alice@one.test") == {}
    (marked,) = messages_in(tree, "alice@one.test")
    assert b"score=-99" not in marked


@pytest.mark.guide(
    "MAIL-HDR-002", "MAIL-HDR-003", "MAIL-HDR-004", "MAIL-HDR-005", "MAIL-HDR-006", "MAIL-HDR-007"
)
def test_headers_that_name_origin_and_recipient(served, tree):
    submit(served, LETTER)
    assert b"X-Originating-IP: [127.0.0.1]\n" in messages_in(tree, "bob@one.test")[0]
    assert b"X-Envelope-To" not in messages_in(tree, "bob@one.test")[0]
    control(tree, "xoriginatingip", "0\n")
    control(tree, "xenveloptoheader", "1\n")
    assert send(served, LETTER, "alice@one.test", "carol@two.test") == {}
    for address in ("alice@one.test", "carol@two.test"):
        (one,) = messages_in(tree, address)
        assert f"X-Envelope-To: {address}\n".encode() in one
        assert one.count(b"X-Envelope-To") == 1
        assert b"X-Originating-IP" not in one
