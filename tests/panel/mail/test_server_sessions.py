"""Why was this refused? Recorded sessions and explanations, and whose mail whoever looks may see."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.test import Client

from heliosphere.contracts.mail_server import (
    CheckFound,
    ExplainSession,
    FindSessions,
    RecipientTold,
    SessionTold,
)
from heliosphere.panel.accounts.models import Account
from heliosphere.panel.mail.models import Question
from heliosphere.panel.mail.server import services, stories
from heliosphere.panel.platform.errors import NotYours, Refused
from heliosphere.panel.platform.jobs.models import Job
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.servers import services as servers
from heliosphere.panel.servers.models import LogicalServer, ServerKind
from tests.panel.conftest import (
    NOW,
    SYSTEM,
    House,
    WillingNode,
    make_plan,
    make_provider,
    make_staff,
    open_customer,
    run_all_jobs,
)
from tests.panel.mail.nodes import MailNode
from tests.panel.test_pages import MOST_QUERIES, signed_in


@pytest.fixture
def customers(house: House, node: MailNode) -> MailNode:
    """anna and carl, each with a domain on the mail server, and one session that concerned both."""
    open_customer(house)
    open_customer(house, login="carl", domain="carl.sun.test")
    run_all_jobs(node)
    for name in ("anna.sun.test", "carl.sun.test"):
        node.tree.add_domain(name, "x")
    node.record()
    return node


def server() -> LogicalServer:
    return LogicalServer.objects.get(name="mail1.sun.test")


def look_up(client: Client, node: MailNode, path: str, **typed: str) -> str:
    """Fill in the form, let the server answer, read the page."""
    asked = client.post(path, {"server": server().pk} | typed)
    assert asked.status_code == 302, asked.content.decode()
    run_all_jobs(node)
    return html.unescape(client.get(asked["Location"]).content.decode())


def test_staff_see_whole_sessions_newest_first(customers: MailNode) -> None:
    customers.record(id="20260301-2", at="2026-03-01T11:59:00Z", sender="", ip="198.51.100.9", host="")
    page = look_up(signed_in("admin"), customers, "/admin/mail/sessions/")
    assert page.index("198.51.100.9") < page.index("192.0.2.7 (mx.far.test)")
    assert "info@anna.sun.test, bob@carl.sun.test" in page
    assert "(a bounce)" in page
    assert "Refused in part" in page
    assert "the sender is listed" in page


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ({"sender": "EVE@"}, True),
        ({"sender": "adam"}, False),
        ({"recipient": "bob@carl"}, True),
        ({"recipient": "bob@dora"}, False),
        ({"ip": "192.0.2."}, True),
        ({"ip": "192.0.3."}, False),
        ({"only_refused": "on"}, True),
    ],
)
def test_sessions_are_looked_up_by_what_is_known(
    customers: MailNode, typed: dict[str, str], is_found: bool
) -> None:
    page = look_up(signed_in("admin"), customers, "/admin/mail/sessions/", **typed)
    assert ("mx.far.test" in page, "No sessions found" in page) == (is_found, not is_found)


def test_a_customer_sees_sessions_of_own_mail_only_and_nothing_of_other_recipients(
    customers: MailNode,
) -> None:
    customers.record(id="20260301-3", recipients=[{"to": "x@carl.sun.test", "reply": "250", "why": ""}])
    page = look_up(signed_in("anna"), customers, "/cp/mail/sessions/")
    assert "info@anna.sun.test" in page
    assert "20260301-1" in page
    assert "carl.sun.test" not in page
    assert "20260301-3" not in page
    sent = customers.seen[-1].spec
    assert sent == FindSessions(recipients=("@anna.sun.test",), with_trace=False)


def test_asking_for_somebody_elses_recipient_finds_nothing(customers: MailNode) -> None:
    page = look_up(signed_in("anna"), customers, "/cp/mail/sessions/", recipient="bob")
    assert "No sessions found" in page
    refused = look_up(signed_in("carl"), customers, "/cp/mail/sessions/", only_refused="on")
    assert "No sessions found" in refused, "anna's refusal is not carl's business"


def why(client: Client, node: MailNode, path: str) -> str:
    asked = client.post(path)
    assert asked.status_code == 302, asked.status_code
    run_all_jobs(node)
    return html.unescape(client.get(asked["Location"]).content.decode())


def test_the_page_of_a_session_says_why_it_was_refused(customers: MailNode) -> None:
    path = f"/cp/mail/sessions/{server().pk}/20260301-1/"
    assert "Show the session" in signed_in("anna").get(path).content.decode()
    page = why(signed_in("anna"), customers, path)
    assert "The message was refused." in page
    assert "badmailfrom, line 3: @junk.test" in page
    assert "RCPT TO:<info@anna.sun.test>" in page
    assert "553 5.7.1 no mail from you" in page
    assert "1 check is switched off" in page
    assert "carl.sun.test" not in page
    assert "To the setting" not in page, "settings are not a customer's"
    assert "250 2.0.0 ok" not in page, "that somebody else got the message is not anna's business"
    assert "DATA" not in page


def test_another_customer_gets_the_same_answer_as_for_no_such_session(customers: MailNode) -> None:
    customers.record(id="20260301-9", recipients=[{"to": "info@anna.sun.test", "reply": "250", "why": ""}])
    theirs = why(signed_in("carl"), customers, f"/cp/mail/sessions/{server().pk}/20260301-9/")
    nobodys = why(signed_in("carl"), customers, f"/cp/mail/sessions/{server().pk}/20260301-404/")
    assert "There is no record of this session" in theirs
    assert "There is no record of this session" in nobodys
    assert "anna" not in theirs


def test_staff_go_from_a_session_to_todays_settings(customers: MailNode) -> None:
    staff = signed_in("admin")
    page = why(staff, customers, f"/admin/mail/sessions/{server().pk}/20260301-1/")
    assert "The message was taken for some recipients and refused for others." in page
    assert f'href="/admin/mail/servers/{server().pk}/#control-badmailfrom"' in page
    again = page.split('href="/admin/mail/explain/?session=')[1].split('"')[0]
    form = staff.get(f"/admin/mail/explain/?session={again}").context["form"]
    shown = {name: form[name].value() for name in ("ip", "helo", "sender", "recipients", "tls", "size")}
    assert shown == {
        "ip": "192.0.2.7", "helo": "mx.far.test", "sender": "eve@junk.test", "tls": True, "size": 900,
        "recipients": "info@anna.sun.test\nbob@carl.sun.test",
    }  # fmt: skip


QUESTION = {
    "ip": "192.0.2.7", "helo": "mx.far.test", "sender": "eve@junk.test", "login": "",
    "recipients": "postmaster@anna.sun.test", "message": "",
}  # fmt: skip


def explain(client: Client, node: MailNode, **typed: object) -> str:
    asked = client.post("/admin/mail/explain/", QUESTION | {"server": server().pk} | typed)
    assert asked.status_code == 302, asked.content.decode()
    run_all_jobs(node)
    return html.unescape(client.get(asked["Location"]).content.decode())


def test_an_explanation_has_each_command_its_checks_and_the_line_that_decides(customers: MailNode) -> None:
    customers.write("badmailfrom", "# ours\n@junk.test\n")
    staff = signed_in("admin")
    page = explain(staff, customers)
    places = [
        page.index(said) for said in ("connection from", "EHLO mx", "MAIL FROM:<eve", "RCPT TO:<postmaster")
    ]
    assert places == sorted(places)
    assert "The message would be refused." in page
    assert "badmailfrom, line 2: @junk.test" in page
    assert "checks are switched off" in page
    again = page.split('href="/admin/mail/explain/?again=')[1].split('"')[0]
    form = staff.get(f"/admin/mail/explain/?again={again}").context["form"]
    assert form["sender"].value() == "eve@junk.test"
    assert form["recipients"].value() == "postmaster@anna.sun.test"


def test_a_message_from_a_file_is_checked_to_its_end(customers: MailNode, tmp_path) -> None:
    file = tmp_path / "letter.eml"
    file.write_bytes(b"Subject: na\xefve\n\nhello\n")
    with file.open("rb") as letter:
        page = explain(signed_in("admin"), customers, message_file=letter)
    assert "(message)" in page
    assert "The message would be taken." in page
    assert Question.everything.get().asked.message.startswith("Subject: na\N{REPLACEMENT CHARACTER}ve")


def test_what_cannot_be_explained_is_said_at_its_field(customers: MailNode) -> None:
    staff = signed_in("admin")
    bad = {"ip": "house", "recipients": "", "sender": "a b@c.test", "server": server().pk}
    page = html.unescape(staff.post("/admin/mail/explain/", QUESTION | bad).content.decode())
    assert page.count('aria-invalid="true"') == 2
    page = staff.post("/admin/mail/explain/", QUESTION | bad | {"ip": "192.0.2.1", "recipients": "x@y.test"})
    assert "Leave out blanks" in page.content.decode()
    for name, value in (("helo", "x\r\nDATA"), ("sender", "a>b"), ("login", "a\x01")):
        wanted = ExplainSession(
            **({"ip": "::1", "helo": "h", "sender": "", "recipients": ("a@b.test",)} | {name: value})
        )
        with pytest.raises(Refused):
            services.explain(server().pk, wanted, actor=SYSTEM, now=NOW)
    assert not Question.everything.exists()


# Who may


def test_sessions_and_explanations_have_their_doors(customers: MailNode, house: House) -> None:
    make_staff(make_provider("Moon", parent=house.provider, zone="moon.test"), "moonadmin")
    for path in ("/admin/mail/sessions/", "/admin/mail/explain/"):
        assert signed_in("admin").get(path).status_code == 200
        assert signed_in("moonadmin").get(path).status_code == 200
        assert signed_in("anna").get(path).status_code == 403
        assert Client().get(path).status_code == 302
    assert signed_in("anna").get("/cp/mail/sessions/").status_code == 200
    assert signed_in("admin").get("/cp/mail/sessions/").status_code == 403


def test_a_reseller_sees_and_explains_mail_of_own_customers_only(customers: MailNode, house: House) -> None:
    moon = make_provider("Moon", parent=house.provider, zone="moon.test")
    staff = make_staff(moon, "moonadmin")
    reseller = signed_in("moonadmin")
    assert "No mail domain yet" in reseller.get("/admin/mail/sessions/").content.decode()
    assert "No mail domain yet" in reseller.get("/admin/mail/explain/").content.decode()
    assert reseller.post("/admin/mail/sessions/", {"server": server().pk}).status_code == 200
    with pytest.raises(NotYours):
        services.find_sessions(server().pk, FindSessions(), actor=staff, now=NOW)
    open_customer(House(moon, staff, make_plan(moon)), login="luna", domain="luna.moon.test")
    run_all_jobs(customers)
    assert "No sessions found" in look_up(reseller, customers, "/admin/mail/sessions/")
    foreign = reseller.post("/admin/mail/explain/", QUESTION | {"server": server().pk})
    assert "not an address of one of your domains" in foreign.content.decode()
    own = reseller.post(
        "/admin/mail/explain/", QUESTION | {"server": server().pk, "recipients": "a@LUNA.moon.test"}
    )
    assert own.status_code == 302


def test_a_server_without_domains_of_the_customer_is_not_there(customers: MailNode, house: House) -> None:
    other = servers.add_logical(
        name="mail2.sun.test", kind=ServerKind.MAIL, physical=server().physical, signup_on=False,
        actor=SYSTEM, now=NOW,
    )  # fmt: skip
    anna = signed_in("anna")
    assert anna.get(f"/cp/mail/sessions/{other.pk}/20260301-1/").status_code == 404
    page = anna.post("/cp/mail/sessions/", {"server": other.pk}).content.decode()
    assert "Select a valid choice" in html.unescape(page)
    account = Account.everything.get(user__login="anna")
    who = Principal("customer", "anna", house.provider.pk, account.user_id, account.pk)
    with pytest.raises(NotYours):
        services.find_sessions(other.pk, FindSessions(), actor=who, now=NOW)
    assert "mail2.sun.test" in signed_in("admin").get("/admin/mail/sessions/").content.decode()


def test_an_answer_is_read_by_who_asked_and_nobody_else(customers: MailNode, house: House) -> None:
    make_staff(house.provider, "colleague")
    asked = signed_in("anna").post("/cp/mail/sessions/", {"server": server().pk})["Location"]
    run_all_jobs(customers)
    assert signed_in("anna").get(asked).status_code == 200
    assert signed_in("carl").get(asked).status_code == 404
    key = asked.split("=")[1]
    for path in (f"/admin/mail/sessions/?asked={key}", f"/admin/mail/explain/{key}/"):
        assert signed_in("colleague").get(path).status_code == 404
    assert (
        signed_in("anna").get(f"/cp/mail/sessions/{server().pk}/20260301-1/?asked={key}").status_code == 404
    )


def test_questions_stay_out_of_what_a_customer_has_under_way(customers: MailNode) -> None:
    anna = signed_in("anna")
    anna.post("/cp/mail/sessions/", {"server": server().pk})
    assert "Look up mail sessions" not in anna.get("/cp/").content.decode()


def test_too_many_questions_are_slowed_down(customers: MailNode) -> None:
    anna = signed_in("anna")
    answers = [anna.post("/cp/mail/sessions/", {"server": server().pk}).status_code for _ in range(61)]
    assert answers[59:] == [302, 429]


# Waiting


def test_the_page_waits_by_script_and_without_it_and_says_when_it_takes_long(
    customers: MailNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = signed_in("anna")
    part = anna.post("/cp/mail/sessions/", {"server": server().pk}, headers={"HX-Request": "true"})
    assert 'hx-trigger="every 1s"' in part.content.decode()
    address = html.unescape(part.content.decode().split('hx-get="')[1].split('"')[0])
    page = anna.get(address).content.decode()
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "no answer yet" not in page
    monkeypatch.setattr(
        "heliosphere.panel.platform.middleware.system_clock", lambda: NOW + timedelta(minutes=1)
    )
    assert "There is no answer yet." in anna.get(address).content.decode()
    run_all_jobs(customers)
    done = anna.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "info@anna.sun.test" in done
    assert "hx-trigger" not in done
    assert "<html" not in done


class AwayNode(WillingNode):
    def run(self, envelope, report, cancelled):
        from heliosphere.contracts.jobs import JobOutcome

        return JobOutcome(
            envelope.job_id, envelope.fence, "refused", message="The disk is gone.", advice="Buy one."
        )


def test_a_question_that_fails_says_why_and_what_to_do(customers: MailNode) -> None:
    asked = signed_in("anna").post("/cp/mail/sessions/", {"server": server().pk})["Location"]
    run_all_jobs(AwayNode())
    page = signed_in("anna").get(asked).content.decode()
    assert "The disk is gone." in page
    assert "Buy one." in page
    assert Job.everything.filter(kind="mail_desk.ask").get().state == "failed"


def test_the_pages_take_few_queries(customers: MailNode, django_assert_max_num_queries) -> None:
    staff, anna = signed_in("admin"), signed_in("anna")
    pages = [(staff, "/admin/mail/sessions/"), (staff, "/admin/mail/explain/"), (anna, "/cp/mail/sessions/")]
    for client, path in pages[:]:
        data = QUESTION | {"server": server().pk}
        pages.append((client, client.post(path, data)["Location"]))
    base = f"/admin/mail/sessions/{server().pk}/20260301-1/"
    pages += [(staff, base), (staff, staff.post(base)["Location"])]
    settings = f"/admin/mail/servers/{server().pk}/"
    staff.post(f"{settings}read/")
    run_all_jobs(customers)
    pages += [(staff, settings), (staff, "/admin/mail/servers/"), (staff, "/admin/mail/servers/manual/")]
    pages += [(staff, "/admin/")]
    for client, path in pages:
        with django_assert_max_num_queries(MOST_QUERIES):
            assert client.get(path).status_code == 200, path


# Chapters


def told(**changes: object) -> SessionTold:
    known = {
        "number": "n", "at": "2026-03-01T12:00:00Z", "ip": "192.0.2.1", "host": "", "helo": "h",
        "sender": "a@b.test", "login": "", "client_class": "", "tls": False, "submission": False, "size": 0,
        "recipients": (), "reply": "250 ok", "why": "",
    }  # fmt: skip
    return SessionTold(**(known | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("replies", "last", "summary"),
    [
        (("250", "250"), "250 ok", "accepted"),
        (("250", "550 no"), "250 ok", "part"),
        (("550 no", "550 no"), "554 no", "refused"),
        (("451 later",), "451 later", "deferred"),
        (("(hung up)",), "", "hung-up"),
        (("250",), "554 spam", "refused"),
    ],
)
def test_the_verdict_of_a_session_in_one_word(replies: tuple[str, ...], last: str, summary: str) -> None:
    recipients = tuple(RecipientTold(f"{at}@x.test", reply) for at, reply in enumerate(replies))
    trace = tuple(("RCPT", one.address, CheckFound("userchk", "passed")) for one in recipients)
    chapters = stories.chapters_of_session(told(recipients=recipients, trace=trace, reply=last))
    assert stories.summary(chapters) == summary
    data = ["DATA"] if "250" in replies else []
    assert [one.said for one in chapters] == [f"RCPT TO:<{one.address}>" for one in recipients] + data


def test_a_session_that_ended_at_the_sender_ends_there() -> None:
    trace = (
        ("MAIL", "a@b.test", CheckFound("badmailfrom", "refused", "listed", "badmailfrom", 1, "a@b.test")),
    )
    chapters = stories.chapters_of_session(told(trace=trace, reply="553 no"))
    assert [(one.said, one.state) for one in chapters] == [("MAIL FROM:<a@b.test>", "refused")]
    assert stories.summary(chapters) == "refused"
