"""Questions about a tree: explanations, recorded sessions, what-if, and changing controls."""

import json
import subprocess
import sys

import pytest
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from heliosphere.contracts.codec import decode, encode
from heliosphere.contracts.mail_server import ExplainSession, FindSessions, ReadControls, WhatIf
from heliosphere.mta.adapters.logs.session_records import SessionRecords
from heliosphere.mta.adapters.store.vpopmail_tree import system_clock
from heliosphere.mta.desk import MailDesk
from heliosphere.mta.programs import explain
from heliosphere.mta.rules.errors import Refused
from tests.mta.support import messages_in


class Broken(BaseResolver):
    """A DNS server that answers every question with SERVFAIL."""

    def resolve(self, request, handler):
        reply = request.reply()
        reply.header.rcode = 2
        return reply


@pytest.fixture(scope="module")
def nowhere():
    server = DNSServer(Broken(), port=0, address="127.0.0.1", logger=DNSLogger(logf=lambda text: None))
    server.start_thread()
    yield server.server.server_address[:2]
    server.stop()
    server.server.server_close()


@pytest.fixture
def desk(tree, nowhere):
    return MailDesk(tree.root, system_clock, nowhere)


def ask(desk, sender="x@far.test", to=("alice@one.test",), **more):
    return desk.ask(ExplainSession("192.0.2.5", "c.test", sender, to, **more)).stories


def check(story, name):
    (found,) = [one for one in story.checks if one.check == name]
    return found


def control(tree, name, text):
    (tree.qmail.control / name).write_text(text)


def test_an_explanation_goes_verb_by_verb_and_stores_nothing(desk, tree):
    stories = ask(desk, to=("alice@one.test", "nobody@one.test"))
    assert [one.verb for one in stories] == ["CONNECT", "EHLO", "MAIL", "RCPT", "RCPT"]
    assert [one.replies[-1][:3] for one in stories] == ["220", "250", "250", "250", "550"]
    refused = check(stories[-1], "userchk")
    assert (refused.verdict, refused.why) == ("refused", "there is no such mailbox")
    assert ("store: recipient nobody@one.test", "accepted domain, mailbox absent") in stories[-1].facts
    assert check(stories[-1], "greylist").verdict == "off" if _has(stories[-1], "greylist") else True
    assert messages_in(tree, "alice@one.test") == []


def _has(story, name):
    return any(one.check == name for one in story.checks)


def test_it_names_the_control_and_the_line_that_decided(desk, tree):
    control(tree, "badmailpatterns", "# bulk\n*@*.bulk.test\n!news@a.bulk.test\n*@junk.test\n")
    story = ask(desk, sender="x@junk.test")[-1]
    found = check(story, "badmailpatterns")
    assert (found.control, found.line, found.entry) == ("badmailpatterns", 4, "*@junk.test")
    assert story.replies == ("553 5.7.1 sender refused here (#5.7.1)",)
    assert check(ask(desk, sender="news@a.bulk.test")[-1], "badmailpatterns").verdict == "passed"


def test_who_signed_in_is_exempt_and_it_says_so(desk, tree):
    control(tree, "splithorizon", "1\n")
    control(tree, "badhelo", "c.test\n")
    assert check(ask(desk)[-1], "badhelo").verdict == "refused"
    stories = ask(desk, login="alice@one.test", to=("joe@far.test",))
    assert check(stories[-1], "badhelo").verdict == "exempt"
    assert stories[-1].replies[-1].startswith("250")


def test_a_denied_client_hears_nothing(desk, tree):
    (tree.root / "vpopmail" / "etc" / "tcp.smtp").write_text("192.0.2.5:deny\n")
    (story,) = ask(desk)
    assert story.closed
    assert story.replies == ()


def test_nobody_waits_and_no_plugin_runs_in_an_explanation(desk, tree, tmp_path):
    mark = tmp_path / "ran"
    control(tree, "tarpitcount", "1\n")
    control(tree, "tarpitdelay", "3600\n")
    control(tree, "qmailspp", "1\n")
    control(tree, "smtpplugins", f"[mail]\n:touch {mark}\n")
    stories = ask(desk)
    assert not mark.exists()
    assert any("are not run" in found for _, found in stories[2].facts)


def test_the_greylist_is_looked_at_and_not_filled(desk, tree):
    control(tree, "greylist", "1\n")
    for _ in range(2):
        story = ask(desk)[-1]
        assert check(story, "greylist").verdict == "refused"
        assert story.replies[-1].startswith("451")
    assert ("greylist: 192.0.2.5, x@far.test, alice@one.test", "first try") in story.facts


def test_a_message_is_checked_as_well(desk, tree):
    stories = ask(desk, message="From: a@far.test\nSubject: hi\n\n.hello\n")
    assert stories[-1].verb == "DATA"
    assert check(stories[-1], "authresults").why.startswith("SPF temperror; DKIM none")
    assert check(stories[-1], "delivery").why == "alice@one.test: inbox"
    assert messages_in(tree, "alice@one.test") == []


def test_the_answer_survives_the_way_to_another_program(desk):
    told = desk.ask(ExplainSession("2001:db8::5", "[x", "", ("ali\xe7e@one.test",)))
    assert decode(encode(told)) == told


# The command line


@pytest.fixture
def run_explain(tree, nowhere):
    def run(*words):
        command = ["--root", str(tree.root), "--ip", "192.0.2.5", "--helo", "c.test"]
        return explain.main([*command, "--resolver", f"{nowhere[0]}:{nowhere[1]}", *words])

    return run


def test_the_command_prints_checks_and_answers(tree, run_explain, capsys):
    control(tree, "badrcptto", "alice@one.test\n")
    assert run_explain("--from", "x@far.test", "--to", "alice@one.test") == explain.REFUSED
    shown = capsys.readouterr().out
    assert "> RCPT TO:<alice@one.test>" in shown
    assert "badrcptto: refused" in shown
    assert "[control/badrcptto, line 1: alice@one.test]" in shown
    assert "< 550 5.7.1 recipient refused here (#5.7.1)" in shown


def test_the_command_says_yes_with_its_exit_code_and_in_json(run_explain, capsys):
    assert run_explain("--from", "", "--to", "bob@one.test", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["type"] == "mail-explanation"


def test_a_message_comes_from_a_file(run_explain, tmp_path, capsys):
    (tmp_path / "m").write_bytes(b"Subject: x\r\n\r\ny\r\n")
    words = ("--from", "x@far.test", "--to", "bob@one.test", "--message", str(tmp_path / "m"))
    assert run_explain(*words) == 0
    assert "delivery: remark, bob@one.test: inbox" in capsys.readouterr().out
    assert run_explain(*words[:-1], str(tmp_path / "none")) == explain.TROUBLE


def test_the_tool_is_there_under_its_name(tree):
    command = [sys.executable, "-m", "heliosphere.cli.main", "mail", "explain", "--help"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "--message FILE" in found.stdout


# Records


def record(number, *recipients, sender="x@far.test", reply="250 ok", **more):
    return {
        "id": number, "at": "2026-11-21T10:00:00Z", "ip": "192.0.2.5", "host": "unknown", "helo": "c.test",
        "tls": False, "login": None, "submission": False, "class": "none", "sender": sender, "size": 0,
        "recipients": [{"to": to, "reply": code, "why": ""} for to, code in recipients], "reply": reply,
        "why": "", "trace": [["RCPT", "userchk", "refused", "nobody@one.test", "no such mailbox", "", 0, ""]],
        **more,
    }  # fmt: skip


@pytest.fixture
async def records(tree):
    records = SessionRecords(tree.root / "qmail" / "sessions", system_clock, lambda: 7)
    today = f"{system_clock():%Y%m%d}"
    for number in range(5):
        to = f"u{number}@one.test" if number % 2 else "carol@two.test"
        code = "550 no" if number == 3 else "250 ok"
        records.add(record(f"{today}-{number}", (to, code), reply=code))
    records.flush()
    return today


async def test_sessions_are_found_newest_first(desk, records):
    found = desk.find_sessions(FindSessions(limit=3)).sessions
    assert [one.number[-1] for one in found] == ["4", "3", "2"]
    assert found[1].trace[0][2].why == "no such mailbox"


async def test_an_owner_finds_the_own_domain_only(desk, records):
    found = desk.find_sessions(FindSessions(recipients=("@one.test",))).sessions
    assert {one.recipients[0].address for one in found} == {"u1@one.test", "u3@one.test"}
    foreign = FindSessions(number=f"{records}-0", recipients=("@one.test",))
    assert desk.find_sessions(foreign).sessions == ()
    own = FindSessions(number=f"{records}-1", recipients=("U1@ONE.test",))
    assert len(desk.find_sessions(own).sessions) == 1


async def test_refused_ones_can_be_picked_out(desk, records):
    found = desk.find_sessions(FindSessions(only_refused=True)).sessions
    assert [one.number[-1] for one in found] == ["3"]
    assert desk.find_sessions(FindSessions(sender="FAR.test", ip="192.0.2", recipient="u1@")).sessions


async def test_a_line_cut_by_a_crash_is_passed_over(desk, tree, records):
    (path,) = (tree.root / "qmail" / "sessions").glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"id": "cut')
    assert len(desk.find_sessions(FindSessions()).sessions) == 5


async def test_old_days_are_removed(tree):
    directory = tree.root / "qmail" / "sessions"
    directory.mkdir()
    (directory / "2001-01-01.jsonl").write_text("{}\n")
    SessionRecords(directory, system_clock, lambda: 7).flush()
    assert list(directory.iterdir()) == []


# What if


async def test_what_if_shows_the_verdicts_that_would_change(desk, tree, records):
    tree.add_user("u1@one.test", "x")
    tree.add_user("u3@one.test", "x")
    changed = await desk.what_if(WhatIf({"badrcptto": "@two.test\n"}, count=50))
    assert changed.tried == 5
    assert {one.recipient for one in changed.changes} == {"carol@two.test"}
    (first, *_) = changed.changes
    assert first.was.startswith("250")
    assert first.becomes.startswith("550 5.7.1")
    assert first.why == "the recipient carol@two.test is listed"


async def test_what_if_with_nothing_new_changes_nothing(desk, records):
    assert (await desk.what_if(WhatIf({}, count=50))).changes == ()


async def test_what_if_tells_bad_lines_of_the_new_values(desk, records):
    changed = await desk.what_if(WhatIf({"badmailpatterns": "*@ok.test\n[open\n"}, count=1))
    assert changed.problems[0][:2] == ("badmailpatterns", 2)


# Controls


def test_controls_are_read_with_their_source_and_problems(desk, tree):
    control(tree, "options", "smtplog 9\n")
    control(tree, "badhelo", "ok.test\n[open\n")
    found = {one.name: one for one in desk.ask(ReadControls()).controls}
    assert (found["smtplog"].text, found["smtplog"].source) == ("9", "options")
    assert found["maxrecipients"].text is None
    assert [(line, text) for line, text, _ in found["badhelo"].problems] == [(2, "[open")]


def test_controls_are_changed_all_or_none(desk, tree):
    control(tree, "options", "# mine\nmaxrecipients 5\nother 1\n")
    with pytest.raises(Refused, match="badhelo, line 2"):
        desk.change_controls({"databytes": "1000", "badhelo": "ok\n[x\n"})
    wanted = {"databytes": "1000", "maxrecipients": None}
    assert desk.change_controls(wanted) == ("databytes", "maxrecipients")
    assert (tree.qmail.control / "databytes").read_text() == "1000\n"
    assert (tree.qmail.control / "options").read_text() == "# mine\nother 1\n"
    assert desk.change_controls(wanted) == ()
    assert desk.drift({"databytes": "1000"}) == ()
    assert desk.drift({"databytes": "999"}) == ("databytes",)


def test_a_remark_does_not_keep_a_value_from_being_stored(desk, tree):
    assert desk.change_controls({"relayclients": "*\n"}) == ("relayclients",)


def test_an_unknown_control_is_refused(desk):
    with pytest.raises(Refused, match="no such control"):
        desk.change_controls({"../me": "x"})


def test_a_control_that_cannot_be_read_is_told(desk, tree):
    (tree.qmail.control / "databytes").unlink()
    (tree.qmail.control / "databytes").mkdir()
    assert "databytes" in desk.ask(ReadControls()).trouble
