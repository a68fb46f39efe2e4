"""POP3: the conversation without a port, and the maildrop on disk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.store.pop3_maildrop import Maildrop
from heliosphere.mta.rules.store.quota import Quota
from heliosphere.mta.wire.pop3 import Fetch, Finish, Item, Pop3Server, PopSignIn, PopStartTls

MESSAGES = [b"Subject: one\n\nhello\nworld\n", b"Subject: two\n\n.dot\n", b"no body"]


class Talk:
    """A conversation with a mailbox of three messages; alice's password is secret."""

    def __init__(self, **options):
        settings = {"tls": False, "is_loopback": True, "has_certificate": False} | options
        self.server = Pop3Server("mx.test", **settings)
        self.finished = None
        self.gone = set()
        self.server.greet()
        assert self.take() == "+OK mx.test POP3 ready\r\n"

    def say(self, line):
        self.server.feed(line.encode() + b"\r\n")
        while (question := self.server.question) is not None and not isinstance(question, PopStartTls):
            self.server.answer(self.answer(question))
        return self.take()

    def answer(self, question):
        match question:
            case PopSignIn(name, password):
                if (name, password) != ("alice", "se cret "):
                    return "[AUTH] no"
                return [Item(f"uid{at}", len(one)) for at, one in enumerate(MESSAGES)]
            case Fetch(index):
                return None if index in self.gone else MESSAGES[index]
            case Finish():
                self.finished = question
                return None

    def take(self):
        said = bytes(self.server.output).decode()
        self.server.output.clear()
        return said

    def signed_in(self):
        assert self.say("USER alice").startswith("+OK")
        assert self.say("PASS se cret ").startswith("+OK")
        return self


def test_a_whole_session():
    talk = Talk().signed_in()
    assert talk.say("STAT") == f"+OK 3 {sum(map(len, MESSAGES))}\r\n"
    assert talk.say("LIST") == "+OK 3 messages\r\n1 26\r\n2 19\r\n3 7\r\n.\r\n"
    assert talk.say("LIST 2") == "+OK 2 19\r\n"
    assert talk.say("UIDL 3") == "+OK 3 uid2\r\n"
    assert talk.say("RETR 2") == "+OK 19 octets\r\nSubject: two\r\n\r\n..dot\r\n.\r\n"
    assert talk.say("TOP 1 1").endswith("\r\n\r\nhello\r\n.\r\n")
    assert talk.say("TOP 1 0").endswith("Subject: one\r\n\r\n.\r\n")
    assert talk.say("DELE 1") == "+OK marked for removal\r\n"
    assert talk.say("RETR 1").startswith("-ERR")
    assert talk.say("LIST") == "+OK 2 messages\r\n2 19\r\n3 7\r\n.\r\n"
    assert talk.say("NOOP") == "+OK\r\n"
    assert talk.say("QUIT").startswith("+OK")
    assert talk.finished == Finish((0,), (1,))
    assert talk.server.is_closing


def test_rset_takes_marks_back():
    talk = Talk().signed_in()
    talk.say("DELE 1")
    talk.say("RSET")
    talk.say("QUIT")
    assert talk.finished == Finish((), ())


def test_nothing_is_removed_without_quit():
    talk = Talk().signed_in()
    talk.say("DELE 1")
    talk.server.end("timeout")
    assert talk.finished is None


@pytest.mark.parametrize(
    "line", ["RETR", "RETR 0", "RETR 4", "RETR x", "RETR -1", "RETR 99999999999", "TOP 1", "TOP 1 x",
             "DELE 9", "USER bob", "PASS x", "STLS", "APOP a b", "FROB", ""]
)  # fmt: skip
def test_nonsense_is_refused_and_the_session_goes_on(line):
    talk = Talk().signed_in()
    assert talk.say(line).startswith("-ERR")
    assert talk.say("STAT").startswith("+OK")


@pytest.mark.parametrize("line", ["STAT", "LIST", "RETR 1", "DELE 1", "PASS x"])
def test_nothing_works_before_sign_in(line):
    assert Talk().say(line).startswith("-ERR")


def test_three_wrong_passwords_end_the_session():
    talk = Talk()
    for _ in range(3):
        assert not talk.server.is_closing
        talk.say("USER alice")
        assert talk.say("PASS wrong").startswith("-ERR")
    assert talk.server.is_closing


def test_no_password_in_clear_text_from_afar():
    talk = Talk(is_loopback=False, has_certificate=True)
    assert "USER\r\n" not in talk.say("CAPA")
    assert talk.say("USER alice").startswith("-ERR")
    assert talk.say("STLS").startswith("+OK")
    talk.server.feed(b"USER evil\r\n")
    talk.server.tls_started()
    assert talk.take() == ""
    assert "STLS" not in talk.say("CAPA")
    talk.signed_in()


def test_a_message_that_went_away_is_an_error_and_not_a_crash():
    talk = Talk().signed_in()
    talk.gone = {0}
    assert talk.say("RETR 1").startswith("-ERR")
    assert talk.say("TOP 1 1").startswith("-ERR")


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), max_size=6))
def test_no_bytes_crash_the_session(data, cuts):
    talk = Talk()
    at = 0
    for cut in [*cuts, len(data)]:
        talk.server.feed(data[at : at + cut])
        at += cut
        while (question := talk.server.question) is not None:
            talk.server.answer(talk.answer(question))


# On disk


@pytest.fixture
def maildir(tree):
    path = tree.find_user("alice@one.test").maildir
    (path / "new" / "1700000002.2.host,S=26").write_bytes(MESSAGES[0])
    (path / "cur" / "1700000001.1.host,S=19:2,F").write_bytes(MESSAGES[1])
    return path


def test_messages_are_listed_oldest_first_with_steady_uids(maildir):
    drop = Maildrop(maildir, Quota())
    assert [(item.uid, item.octets) for item in drop.items()] == [
        ("1700000001.1.host", 19), ("1700000002.2.host", 26),
    ]  # fmt: skip
    assert [drop.read(0), drop.read(1)] == [MESSAGES[1], MESSAGES[0]]


def test_a_message_moved_by_another_program_is_still_found(maildir):
    drop = Maildrop(maildir, Quota())
    (maildir / "new" / "1700000002.2.host,S=26").rename(maildir / "cur" / "1700000002.2.host,S=26:2,S")
    assert drop.read(1) == MESSAGES[0]
    assert drop.finish([1], []) == 0
    assert drop.read(1) is None


def test_the_end_removes_marks_and_keeps_the_count(maildir, tree):
    tree.change_user("alice@one.test", quota_bytes=1000)
    drop = Maildrop(maildir, Quota(bytes=1000))
    assert drop.finish([0], [1]) == 0
    assert sorted(path.name for path in (maildir / "cur").iterdir()) == ["1700000002.2.host,S=26:2,S"]
    assert list((maildir / "new").iterdir()) == []
    assert (maildir / "maildirsize").read_text() == "1000S\n45 2\n-19 -1\n"
    assert tree.usage("alice@one.test") == (26, 1)
