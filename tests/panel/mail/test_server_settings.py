"""Mail Server Settings: every control on one page, changed by a job, shown as the server has it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client

from heliosphere.contracts.controls import REGISTRY
from heliosphere.contracts.mail_server import MailControlsSpec
from heliosphere.panel.mail.models import MailServerState, Question
from heliosphere.panel.mail.server import rules, services
from heliosphere.panel.platform.housekeeping import forget_questions
from heliosphere.panel.platform.jobs.models import Job
from heliosphere.panel.platform.models import Event
from heliosphere.panel.servers.models import LogicalServer
from tests.panel.conftest import NOW, House, make_provider, make_staff, open_customer, run_all_jobs
from tests.panel.mail.nodes import MailNode
from tests.panel.test_pages import signed_in

IN_PANEL = [control for control in REGISTRY if control.in_panel and not control.secret]


class Settings:
    """The page as a person uses it."""

    def __init__(self, house: House, node: MailNode, login: str = "admin") -> None:
        self.client, self.node = signed_in(login), node
        self.server = LogicalServer.objects.get(name="mail1.sun.test")
        self.url = f"/admin/mail/servers/{self.server.pk}/"

    def read(self) -> None:
        self.client.post(f"{self.url}read/")
        run_all_jobs(self.node)

    def page(self, query: str = "") -> str:
        return html.unescape(self.client.get(self.url + query).content.decode())

    def fields(self, query: str = "") -> dict[str, str]:
        """What a browser would send of the form as it stands."""
        found: dict[str, str] = {}
        form = self.client.get(self.url + query).context["form"]
        for bound in form:
            value = bound.value()
            if isinstance(value, bool):
                if value:
                    found[bound.html_name] = "on"
            else:
                found[bound.html_name] = "" if value is None else str(value)
        return found

    def send(self, act: str = "save", query: str = "", without: tuple[str, ...] = (), **changes: str):
        data = {name: value for name, value in self.fields(query).items() if name not in without}
        return self.client.post(self.url, data | {"act": act} | changes)


@pytest.fixture
def settings(house: House, node: MailNode) -> Settings:
    page = Settings(house, node)
    page.read()
    return page


def test_the_first_visit_reads_the_settings(house: House, node: MailNode) -> None:
    page = Settings(house, node)
    assert "has not seen the settings of this server yet" in page.page()
    asked = page.client.post(f"{page.url}read/")
    assert "Asking the server" in page.client.get(asked["Location"]).content.decode()
    run_all_jobs(node)
    assert "As the server has them now" in page.client.get(asked["Location"]).content.decode()
    part = page.client.post(f"{page.url}read/", {"version": ""}, headers={"HX-Request": "true"})
    assert part["HX-Refresh"] == "true"


@pytest.mark.guide("MAIL-CTL-004", "MAIL-CTL-005", "MAIL-CTL-017")
def test_every_control_of_the_panel_has_a_field_with_its_help_and_no_other_has(settings: Settings) -> None:
    page = settings.page()
    for control in IN_PANEL:
        assert f'id="control-{control.name}"' in page, control.name
        assert control.summary in page, control.name
        assert control.caution in page
    shown = {name for name in settings.fields() if "." not in name} - {"seen"}
    flags = {control.name for control in IN_PANEL if control.kind == "flag"}
    assert shown | flags == {control.name for control in IN_PANEL}
    assert {control.kind for control in IN_PANEL} == {"flag", "number", "text", "lines"}


@pytest.mark.guide("MAIL-LOG-018", "MAIL-CTL-148")
def test_smtplog_and_signature_lists_cannot_be_set_by_page_or_by_hand(settings: Settings) -> None:
    for name, value in (("smtplog", "2"), ("badsignatures", "TVqQAAMAA"), ("badloadertypes", "MzIuZ")):
        assert f'id="control-{name}"' not in settings.page()
        settings.send(**{name: value})
        assert not Job.everything.filter(kind="mail_controls.apply").exists()
        with pytest.raises(services.Refused, match="no setting of mail servers"):
            services.change_controls(settings.server, {name: value}, actor=_system(), now=NOW)


def _system():
    from tests.panel.conftest import SYSTEM

    return SYSTEM


@pytest.mark.guide(
    "MAIL-CTL-018", "MAIL-CTL-019", "MAIL-CTL-020", "MAIL-CTL-022", "MAIL-RBL-008", "MAIL-AV-075",
    "MAIL-SPP-015",
)  # fmt: skip
def test_only_what_was_changed_is_sent_and_written(settings: Settings) -> None:
    answer = settings.send(
        badmailfrom="# spammers\r\n@junk.test\r\neve@far.test\r\n",
        databytes="1000",
        clamglobal="on",
        spamglobal="on",
        qmailspp="on",
        rblhosts="zen.block.test",
        smtpgreeting="mx.sun.test",
    )
    assert answer.status_code == 302
    job = Job.everything.get(kind="mail_controls.apply")
    assert answer["Location"] == f"/jobs/{job.pk}/"
    run_all_jobs(settings.node)
    sent = next(one.spec for one in settings.node.seen if one.kind == "mail_controls.apply")
    assert isinstance(sent, MailControlsSpec)
    assert sent.values == {
        "badmailfrom": "# spammers\n@junk.test\neve@far.test",
        "clamglobal": "1",
        "databytes": "1000",
        "qmailspp": "1",
        "rblhosts": "zen.block.test",
        "smtpgreeting": "mx.sun.test",
        "spamglobal": "1",
    }
    assert settings.node.control("databytes") == "1000\n"
    assert settings.node.control("qmailspp") == "1\n"
    assert "set badmailfrom" in settings.client.get(answer["Location"]).content.decode()
    assert settings.fields()["badmailfrom"].startswith("# spammers")


@pytest.mark.guide("MAIL-CTL-023", "MAIL-CTL-025")
def test_a_flag_is_switched_off_by_taking_its_file_away_or_by_0_where_it_is_on_by_default(
    settings: Settings,
) -> None:
    settings.send(helodnscheck="on", without=("catchall",))
    run_all_jobs(settings.node)
    assert (settings.node.control("helodnscheck"), settings.node.control("catchall")) == ("1\n", "0\n")
    settings.send(without=("helodnscheck",), catchall="on")
    run_all_jobs(settings.node)
    assert (settings.node.control("helodnscheck"), settings.node.control("catchall")) == (None, None)


def test_back_to_the_default_by_its_tick_or_by_an_empty_field(settings: Settings) -> None:
    settings.node.write("helodnscheck", "0\n")
    settings.node.write("timeoutsmtpd", "99\n")
    settings.node.write("badhelo", "x.test\n")
    _later(settings)
    settings.send(**{"default.helodnscheck": "on", "timeoutsmtpd": "", "badhelo": ""})
    run_all_jobs(settings.node)
    assert [settings.node.control(name) for name in ("helodnscheck", "timeoutsmtpd", "badhelo")] == [None] * 3


@pytest.mark.guide("MAIL-BOUNCE-007")
def test_nothing_on_purpose_is_not_the_default(settings: Settings) -> None:
    settings.send(**{"empty.doublebounceto": "on", "bouncefrom": "bounces", "bouncehost": "sun.test"})
    run_all_jobs(settings.node)
    assert (settings.node.control("bouncefrom"), settings.node.control("bouncehost")) == (
        "bounces\n", "sun.test\n",
    )  # fmt: skip
    assert settings.node.control("doublebounceto") == "\n"
    assert settings.fields()["empty.doublebounceto"] == "on"
    settings.send(without=("empty.doublebounceto",))
    run_all_jobs(settings.node)
    assert settings.node.control("doublebounceto") is None


@pytest.mark.guide("MAIL-CTL-026", "MAIL-CTL-027")
def test_what_is_wrong_is_said_at_the_field_with_its_line_and_nothing_is_sent(settings: Settings) -> None:
    answer = settings.send(
        badmailpatterns="!*@good.test\n*@*.bulk.test\n[open", databytes="much", helohost="ok"
    )
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 200
    assert "Line 3, “[open”: the bracket is not closed, so this never matches." in page
    assert "Line 1, “much”: this is not a number." in page
    assert page.count('aria-invalid="true"') == 2
    assert "*@*.bulk.test" in page, "what was typed stays"
    assert not Job.everything.filter(kind="mail_controls.apply").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("tcpsessioncount", "0"), ("authsender", "3"), ("periplimit", "70000")]
)
def test_numbers_keep_their_bounds(settings: Settings, name: str, value: str) -> None:
    page = settings.send(**{name: value}).content.decode()
    assert "value is" in page
    assert "Please correct one thing" in page


def test_a_remark_is_shown_and_saved_all_the_same(settings: Settings) -> None:
    answer = settings.client.post(settings.url, settings.fields() | {"badmailfrom": "junk.test"}, follow=True)
    assert "without @ this only matches an address without domain" in html.unescape(answer.content.decode())
    run_all_jobs(settings.node)
    assert settings.node.control("badmailfrom") == "junk.test\n"
    assert "a whole domain is @domain" in settings.page()
    assert "cannot be used" not in settings.page()


def test_saving_twice_changes_once(settings: Settings) -> None:
    data = settings.fields() | {"maxrecipients": "20"}
    places = [settings.client.post(settings.url, data)["Location"] for _ in range(2)]
    assert places[0] == places[1]
    run_all_jobs(settings.node)
    again = settings.client.post(settings.url, settings.fields() | {"maxrecipients": "20"}, follow=True)
    assert "Nothing was changed" in again.content.decode()
    assert settings.node.kinds().count("mail_controls.apply") == 1
    assert Event.everything.filter(name="mail-controls.changed").count() == 1


def test_the_trail_names_the_settings_and_counts_lists(settings: Settings) -> None:
    settings.send(badmailfrom="@secret-customer.test\n@b.test", maxrecipients="20")
    event = Event.everything.get(name="mail-controls.changed")
    assert event.before == {"badmailfrom": "default", "maxrecipients": "default"}
    assert event.after == {
        "badmailfrom": "2 entries", "maxrecipients": "20", "names": "badmailfrom, maxrecipients",
    }  # fmt: skip
    assert "Mail server settings changed: badmailfrom, maxrecipients" in settings.page()


def _later(settings: Settings) -> None:
    """Read anew, though the last reading is young."""
    Question.everything.update(asked_at=NOW - timedelta(minutes=1))
    settings.read()


def test_what_somebody_else_changed_meanwhile_is_neither_lost_nor_overwritten(settings: Settings) -> None:
    data = settings.fields()
    settings.node.write("maxrecipients", "7\n")
    settings.node.write("badhelo", "theirs.test\n")
    _later(settings)
    page = settings.client.post(settings.url, data | {"maxrecipients": "20"}).content.decode()
    assert "Somebody changed this since you opened the page" in page
    settings.client.post(settings.url, data | {"databytes": "5000"})
    run_all_jobs(settings.node)
    assert [settings.node.control(name) for name in ("maxrecipients", "badhelo", "databytes")] == [
        "7\n", "theirs.test\n", "5000\n",
    ]  # fmt: skip


def test_a_broken_control_file_is_a_banner_here_and_on_the_home(settings: Settings, house: House) -> None:
    assert "cannot be used" not in settings.client.get("/admin/").content.decode()
    settings.node.write("badhelo", "good.test\n[open\n")
    settings.node.write("databytes", "lots\n")
    settings.node.write("rcpthosts", "anna.sun.test\nnot a domain\n")
    _later(settings)
    page = settings.page()
    assert "3 values on the server cannot be used" in page
    assert 'href="#control-badhelo"' in page
    assert "Line 2, “[open”: the bracket is not closed" in page
    assert "On the server: Line 1, “lots”: this is not a number. In force instead: 0." in page
    home = settings.client.get("/admin/").content.decode()
    assert "mail1.sun.test" in home
    assert "cannot be used" in home
    make_staff(make_provider("Moon", parent=house.provider, zone="moon.test"), "moonadmin")
    assert "cannot be used" not in signed_in("moonadmin").get("/admin/").content.decode()


def test_a_server_that_cannot_be_read_says_so_and_shows_what_was_known(settings: Settings) -> None:
    settings.send(databytes="4711")
    run_all_jobs(settings.node)
    path = settings.node.root / "qmail" / "control" / "badhelo"
    path.mkdir()
    _later(settings)
    page = settings.page()
    assert "could not be read" in page
    assert settings.fields()["databytes"] == "4711"
    assert "badhelo cannot be read" in html.unescape(settings.client.get("/admin/").content.decode())


def test_a_reading_asked_for_before_a_change_does_not_undo_what_is_shown(settings: Settings) -> None:
    Question.everything.update(asked_at=NOW - timedelta(minutes=1))
    settings.client.post(f"{settings.url}read/")
    settings.send(databytes="1234")
    late = Job.everything.get(kind="mail_desk.ask", state="queued")
    seconds = timedelta(seconds=5)
    Job.everything.filter(pk=late.pk).update(run_at=NOW + seconds, created_at=NOW - seconds)
    run_all_jobs(settings.node)
    state = MailServerState.objects.get()
    settings.node.write("databytes", "1\n")
    run_all_jobs(settings.node, at=NOW + timedelta(seconds=6))
    assert MailServerState.objects.get().found == state.found
    assert settings.fields()["databytes"] == "1234"


@pytest.mark.guide("MAIL-AUTH-008", "MAIL-CTL-021", "MAIL-CTL-024")
def test_the_relay_scheme_is_chosen_between_pop_before_smtp_and_smtp_auth(settings: Settings) -> None:
    settings.send(popbeforesmtp="on", smtpauth="on")
    run_all_jobs(settings.node)
    assert (settings.node.control("popbeforesmtp"), settings.node.control("smtpauth")) == ("1\n", "1\n")
    settings.send(without=("popbeforesmtp",))
    run_all_jobs(settings.node)
    assert (settings.node.control("popbeforesmtp"), settings.node.control("smtpauth")) == (None, "1\n")


def test_the_search_hides_what_lacks_the_words_and_keeps_it_in_the_form(settings: Settings) -> None:
    page = settings.page("?q=greylist")
    hidden = re.findall(r'<div class="h-setting[^"]*" data-filter-words="(\S+)[^"]*" hidden', page)
    shown = re.findall(r'<div class="h-setting[^"]*" data-filter-words="(\S+)[^"]*">', page)
    assert set(shown) >= {"greylist", "greylistdelay", "nogreylist"}
    assert "badmailfrom" in hidden
    assert len(hidden) + len(shown) == len(IN_PANEL)
    assert settings.send(query="?q=greylist", databytes="77").status_code == 302


def test_the_manual_says_all_that_is_declared(settings: Settings) -> None:
    page = html.unescape(settings.client.get("/admin/mail/servers/manual/").content.decode())
    for control in IN_PANEL:
        assert f'id="{control.name}"' in page
        assert control.summary in page
    assert f'href="/admin/mail/servers/manual/#{IN_PANEL[0].name}"' in settings.page()


# Try before saving


def test_try_before_saving_shows_which_verdicts_would_change_and_saves_from_there(settings: Settings) -> None:
    settings.node.tree.add_domain("anna.sun.test", "x")
    for number in range(3):
        settings.node.record(id=f"20260301-{number}", sender=f"eve{number}@fine.test")
    tried = settings.send(act="try", badmailfrom="eve1@fine.test")
    page = settings.client.get(tried["Location"]).content.decode()
    assert "The mail server is being asked" in page
    assert 'http-equiv="refresh"' in page
    run_all_jobs(settings.node)
    page = html.unescape(settings.client.get(tried["Location"]).content.decode())
    assert "1 verdict would change" in page
    assert "eve1@fine.test" in page
    assert "eve0@fine.test" not in page
    assert settings.node.control("badmailfrom") is None, "nothing was changed yet"
    back = settings.client.get(f"{settings.url}?tried={tried['Location'].rstrip('/').split('/')[-1]}")
    assert back.context["form"]["badmailfrom"].value() == "eve1@fine.test"
    saved = settings.client.post(tried["Location"])
    assert saved["Location"].startswith("/jobs/")
    run_all_jobs(settings.node)
    assert settings.node.control("badmailfrom") == "eve1@fine.test\n"


def test_trying_on_no_sessions_says_so(settings: Settings) -> None:
    tried = settings.send(act="try", badmailfrom="eve@fine.test")
    run_all_jobs(settings.node)
    assert "No sessions to try them on" in settings.client.get(tried["Location"]).content.decode()


# Who may


def test_settings_are_the_owners_alone(settings: Settings, house: House) -> None:
    open_customer(house)
    make_staff(make_provider("Moon", parent=house.provider, zone="moon.test"), "moonadmin")
    tried = settings.send(act="try", databytes="5")["Location"]
    pages = (settings.url, "/admin/mail/servers/", "/admin/mail/servers/manual/", tried)
    for address in pages:
        assert settings.client.get(address).status_code == 200
        assert signed_in("anna").get(address).status_code == 403
        assert signed_in("moonadmin").get(address).status_code == 403
        assert Client().get(address).status_code == 302
    for address in (settings.url, tried, f"{settings.url}read/"):
        assert signed_in("moonadmin").post(address, {"databytes": "1"}).status_code == 403
    make_staff(house.provider, "colleague")
    assert signed_in("colleague").get(tried).status_code == 404, "a question is its asker's alone"


def test_questions_are_no_work_and_are_forgotten(settings: Settings) -> None:
    question = Question.everything.get()
    assert "Read the settings" not in settings.client.get("/admin/jobs/").content.decode()
    Job.everything.filter(pk=question.job_id).update(state="dead")
    assert settings.client.get("/admin/").context["trouble_count"] == 0
    forget_questions(NOW + timedelta(hours=2))
    assert Question.everything.exists()
    forget_questions(NOW + timedelta(days=2))
    assert not Question.everything.exists()
    assert not Job.everything.filter(kind="mail_desk.ask").exists()


def test_every_mail_server_somebody_looked_at_is_read_by_itself(settings: Settings) -> None:
    settings.node.write("databytes", "oops\n")
    assert services.read_all(NOW + timedelta(hours=1)) == 1
    run_all_jobs(settings.node, at=NOW + timedelta(hours=1))
    assert MailServerState.objects.get().bad_count == 1


def test_a_failed_change_is_not_tried_again_after_a_newer_one(settings: Settings) -> None:
    settings.send(databytes="1000")
    old = Job.everything.get(kind="mail_controls.apply")
    Job.everything.filter(pk=old.pk).update(state="failed")
    settings.send(databytes="2000")
    run_all_jobs(settings.node)
    page = settings.client.post(f"/jobs/{old.pk}/retry/", headers={"referer": "http://testserver/jobs/"})
    assert page.status_code == 302
    run_all_jobs(settings.node)
    assert settings.node.control("databytes") == "2000\n"


@pytest.mark.parametrize("stage", sorted({control.stage for control in IN_PANEL}))
def test_every_stage_has_its_place_and_words(stage: str) -> None:
    from heliosphere.panel.mail.server.wording import STAGE_TEXTS

    assert stage in rules.STAGES
    assert all(STAGE_TEXTS[stage])
