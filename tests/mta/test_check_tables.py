"""The ordered tables: their order, what each row is switched by, and that facts are fetched together."""

import re

import pytest

from heliosphere.contracts.controls import REGISTRY
from heliosphere.mta.rules.addresses import NULL_SENDER, Address
from heliosphere.mta.rules.checks.check import Check, Gather, Step, run
from heliosphere.mta.rules.checks.client import CONNECT
from heliosphere.mta.rules.checks.order import MAIL, MAIL_FIRST, RCPT, Tables
from heliosphere.mta.rules.dns_facts import ClientName, Existence
from heliosphere.mta.rules.facts import (
    ClientNameOf,
    DomainExists,
    Mailbox,
    RecipientFacts,
    RecipientOf,
    SenderFacts,
    SenderOf,
    Unavailable,
)
from heliosphere.mta.rules.session import Client, Relay, Session, SmtpPolicy
from tests.mta.transcripts import controls_of, open_session

ALICE, SENDER = Address("alice", "one.test"), Address("x", "far.test")


def policy_of(**head):
    server, _ = open_session(head)
    return server.session.policy


def names(table):
    return [row.name for row in table]


def test_the_order_is_the_documented_one():
    assert names(CONNECT) == ["tcp.smtp", "relayclients", "relaydomains", "RBLSMTPD", "rblhosts", "plugins"]
    assert names(MAIL_FIRST) == ["submission", "stricthelocheck"]
    assert names(MAIL) == [
        "noathost", "databytes", "blackholedsender", "authsender", "badmailfrom-unknown", "relaymailfrom",
        "helodnscheck", "mfdnscheck", "spfbehavior", "plugins",
    ]  # fmt: skip
    assert names(RCPT) == [
        "rblhosts", "noathost", "plugins", "badhelo", "helodnscheck", "mfdnscheck", "badmailfrom",
        "badmailpatterns", "spfbehavior", "badrcptto", "badrcptpatterns", "rcpthosts", "smdcheck", "tarpit",
        "maxwrongrcpt", "mailbox open", "userchk", "rejectdiscardedmail", "uquotacheck", "rcptdnschecks",
        "greylist", "maxrecipients",
    ]  # fmt: skip


def test_rows_that_a_policy_switches_off_cost_nothing():
    tables = Tables(policy_of())
    assert names(tables.mail_first) == ["submission"]
    assert names(tables.mail) == []
    assert names(tables.rcpt) == ["rcpthosts", "mailbox open"]
    assert names(tables.connect) == ["tcp.smtp", "RBLSMTPD"]
    assert names(Tables(policy_of(), whole=True).rcpt) == names(RCPT)


ALWAYS = {"tcp.smtp", "RBLSMTPD", "submission", "rcpthosts", "mailbox open", "plugins", "tarpit"}


@pytest.mark.parametrize("row", [*MAIL_FIRST, *MAIL, *RCPT, *CONNECT], ids=lambda row: row.name)
def test_each_row_bears_the_name_of_the_control_that_switches_it(row):
    if row.name in ALWAYS:
        return
    control = REGISTRY.get(row.name)
    assert control is not None
    text = "x.test" if control.kind == "lines" else "1"
    if control.name == "spfbehavior":
        text = "3"
    on = policy_of(**{control.name: text})
    if control.name == "rblhosts" and row in RCPT:
        on = policy_of(controls="qmailspp=1", smtpplugins="[rcpt] | /p/rblspp", rblhosts="x.test")
    assert row.is_on(on)
    assert not row.is_on(policy_of())


@pytest.mark.guide("MAIL-CTL-096")
def test_quitasap_is_for_lists_and_dns_checks_only():
    hang_up = {row.name for row in (*MAIL, *RCPT) if isinstance(row, Check) and row.quits}
    assert hang_up == {
        "badhelo", "helodnscheck", "mfdnscheck", "badmailfrom", "badmailpatterns", "badmailfrom-unknown",
        "badrcptto", "badrcptpatterns",
    }  # fmt: skip


@pytest.mark.guide("MAIL-CTL-113", "MAIL-CTL-114", "MAIL-CTL-115", "MAIL-CTL-116", "MAIL-CTL-117")
def test_splithorizon_spares_relay_clients_five_checks():
    def exempt(**policy):
        session = Session(
            Client("192.0.2.5", False), SmtpPolicy("mx", "mx", **policy), relay=Relay.STATIC, login=None
        )
        return {row.name for row in RCPT if isinstance(row, Check) and row.is_exempt(session)}

    assert exempt(splithorizon=True) - exempt(splithorizon=False) == {
        "badhelo", "helodnscheck", "mfdnscheck", "badmailfrom", "badmailpatterns",
    }  # fmt: skip


# Facts


def ask(table, session, address, answers):
    """Run a table; the finding, and the facts asked for in each round."""
    running, rounds, value = run(table, "RCPT", session, address), [], None
    while True:
        try:
            asked = running.send(value)
        except StopIteration as end:
            return end.value, rounds
        assert isinstance(asked, Gather)
        rounds.append(asked.facts)
        value = {fact: answers(fact) for fact in asked.facts}


def fact(asked):
    match asked:
        case RecipientOf():
            return RecipientFacts(True, Mailbox.FOUND)
        case SenderOf():
            return SenderFacts()
        case DomainExists():
            return Existence.THERE
        case ClientNameOf():
            return ClientName(True, "")
    raise AssertionError(asked)


def session_with(**policy):
    session = Session(Client("192.0.2.5", False), SmtpPolicy("mx", "mx", **policy), helo="c.test")
    session.sender = SENDER
    return session


def test_what_later_checks_need_is_asked_in_the_same_round():
    session = session_with(helodnscheck=True, mfdnscheck=True, userchk=True, rcptdnschecks=True)
    table = Tables(session.policy).rcpt
    finding, rounds = ask(table, session, ALICE, fact)
    assert finding is None
    assert len(rounds) == 1
    assert {type(one) for one in rounds[0]} == {DomainExists, SenderOf, RecipientOf}
    assert len(set(rounds[0])) == len(rounds[0])


def test_nothing_is_asked_twice_in_a_message():
    session = session_with(mfdnscheck=True, userchk=True)
    table = Tables(session.policy).rcpt
    ask(table, session, ALICE, fact)
    _, rounds = ask(table, session, Address("bob", "one.test"), fact)
    assert [[type(one) for one in facts] for facts in rounds] == [[RecipientOf]]


def test_nothing_is_looked_up_beyond_a_step_that_waits_or_runs_plugins():
    session = session_with(helodnscheck=True, userchk=True, tarpitcount=1, tarpitdelay=0, rcptdnschecks=True)
    _, rounds = ask(Tables(session.policy).rcpt, session, Address("joe", "far.test"), fact)
    assert not any(DomainExists("far.test") in facts for facts in rounds[:1])


def test_a_client_that_is_spared_causes_no_look_up():
    session = session_with(helodnscheck=True, mfdnscheck=True, splithorizon=True)
    session.relay = Relay.AUTH
    _, rounds = ask(Tables(session.policy).rcpt, session, ALICE, fact)
    assert [[type(one) for one in facts] for facts in rounds] == [[RecipientOf]]


def test_what_cannot_be_looked_up_defers_rather_than_decides():
    session = session_with(userchk=True)
    finding, _ = ask(Tables(session.policy).rcpt, session, ALICE, lambda asked: Unavailable("disk"))
    assert (finding.reply.code, finding.reply.status) == (451, "4.3.0")
    assert finding.why == "disk"


# Findings and traces


def test_a_refusal_names_the_file_and_the_line():
    head = {"badmailfrom": "# junk | @other.test | @far.test", "mailboxes": "alice@one.test"}
    server, _ = open_session(head)
    session = server.session
    session.sender = SENDER
    finding, _ = ask(Tables(session.policy).rcpt, session, ALICE, fact)
    assert (finding.control, finding.entry, finding.entry.line) == ("badmailfrom", "@far.test", 3)


def test_a_trace_tells_of_every_row_in_order():
    head = {
        "mailboxes": "alice@one.test", "controls": "userchk=1 splithorizon=1", "badmailfrom": "@junk.test",
        "tcp": "RELAYCLIENT=",
    }  # fmt: skip
    server, world = open_session(head, traced=True)
    session = server.session
    session.sender, session.relay, session.trace = SENDER, Relay.STATIC, []
    ask(RCPT, session, ALICE, world.fact)
    assert [line.check for line in session.trace] == names(RCPT)
    said = {line.check: line.verdict for line in session.trace}
    assert (said["badmailfrom"], said["userchk"], said["badhelo"]) == ("exempt", "exempt", "off")
    assert said["rcpthosts"] == "passed"


def test_every_control_that_a_session_reads_is_in_the_policy():
    fields = {name.replace("_", "-") for name in SmtpPolicy.__dataclass_fields__}
    for name in controls_of({"controls": "databytes=1"}).values:
        assert name in fields | {"me"}


@pytest.mark.guide("MAIL-CTL-086", "MAIL-CTL-090")
@pytest.mark.parametrize("control", ["relayclients", "relaydomains"])
def test_an_absent_relay_list_has_no_say(control):
    """The guide's words could be read as "everybody may relay"; here an absent list changes nothing."""
    assert getattr(policy_of(), control) is None
    session = Session(Client("192.0.2.5", False), policy_of())
    finding, _ = ask(Tables(session.policy).connect, session, NULL_SENDER, fact)
    assert finding is None
    assert session.relay is Relay.NONE
    caution = REGISTRY.get(control).caution
    assert re.search("Absent means that this list lets nobody relay", caution)


def test_steps_are_where_the_order_wants_them():
    steps = [row.name for row in RCPT if isinstance(row, Step)]
    assert steps == ["plugins", "tarpit"]
