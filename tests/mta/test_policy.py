"""Control files with mistakes in them: what is in force then, and which line is reported (rules G1 to G5).

Broken controls never stop mail: every value here gives a session that greets.
"""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.contracts.controls import REGISTRY, common, content, smtpd, spf_checks
from heliosphere.contracts.controls.registry import Snapshot, read_options, read_value, set_option
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.controls.policy import CompiledControls, with_environment
from heliosphere.mta.programs import showctl
from heliosphere.mta.rules.errors import TryLater
from heliosphere.mta.rules.origin.spf import guess_problem, rules_problem
from heliosphere.mta.rules.origin.spf.explain import explanation_problem
from heliosphere.mta.rules.session import Client
from heliosphere.mta.wire.smtp_server import SmtpServer
from tests.mta.transcripts import World, Zone, serve

FLAGS = (
    "popbeforesmtp", "flagfailclosed", "flagrblbounce", "qmailspp", "newline", "stricthelocheck",
    "helodnscheck",
    "splithorizon", "smtpauth", "mfdnscheck", "smdcheck", "noathost", "stripsinglequotes", "lowercase",
    "quitasap", "userchk", "rcptdnschecks", "uquotacheck", "rejectdiscardedmail", "chksignature",
    "chkloadertype", "clamglobal", "spamglobal", "sanetcheck", "xenveloptoheader", "localtime", "greylist",
)  # fmt: skip
ON_BY_DEFAULT = ("catchall", "xoriginatingip")


def guided(name, since, statement):
    return pytest.param(name, since, id=name, marks=pytest.mark.guide(statement))


@pytest.fixture
def control(tmp_path):
    directory = tmp_path / "control"
    directory.mkdir()
    (directory / "me").write_text("mx.one.test\n")
    return directory


def read(control, name, text):
    """Value in force and the lines that are reported."""
    (control / name).write_text(text)
    snapshot = ControlFiles(control).snapshot()
    assert greets(snapshot)
    return snapshot[REGISTRY.get(name)], [one.line for one in snapshot.bad if one.control == name]


def greets(snapshot):
    compiled = CompiledControls(snapshot, has_certificate=False)
    policy, tables = compiled.for_client({})
    server = SmtpServer(Client("192.0.2.5", False), policy, tables=tables)
    server.greet()
    serve(server, World(Zone(), {"alice@one.test": ""}))
    return bytes(server.output).startswith(b"220 ")


# Numbers and flags


@pytest.mark.guide("MAIL-CTL-021", "MAIL-CTL-022", "MAIL-CTL-024", "MAIL-CTL-025")
@pytest.mark.parametrize("name", FLAGS + ON_BY_DEFAULT)
def test_a_flag_is_one_or_zero(control, name):
    assert read(control, name, "1\n") == (True, [])
    assert read(control, name, "0\n") == (False, [])
    assert read(control, name, "2\n") == (True, [])


@pytest.mark.guide("MAIL-CTL-023", "MAIL-CTL-182")
@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_that_is_absent_or_a_word_is_off(control, name):
    assert ControlFiles(control).snapshot()[REGISTRY.get(name)] is False
    assert read(control, name, "yes\n") == (False, [1])
    assert read(control, name, "") == (False, [1])


@pytest.mark.guide("MAIL-CTL-168", "MAIL-HDR-003")
@pytest.mark.parametrize("name", ON_BY_DEFAULT)
def test_two_flags_are_on_unless_told_otherwise(control, name):
    assert ControlFiles(control).snapshot()[REGISTRY.get(name)] is True
    assert read(control, name, "no\n") == (True, [1])


@pytest.mark.parametrize(
    ("name", "text", "value", "is_marked"),
    [
        ("tcpsessioncount", "120\n", 120, False), ("tcpsessioncount", "0\n", 40, True),
        ("tcpsessioncount", "many\n", 40, True), ("tcpsessioncount", "", 40, True),
        ("tcpsessioncount", "70000\n", 65535, True), ("periplimit", "8\n", 8, False),
        ("periplimit", "abc\n", 0, True), ("periplimit", "-1\n", 0, True),
        ("opensmtptimeout", "60\n", 60, False), ("opensmtptimeout", "1h\n", 1, True),
        ("opensmtptimeout", "x\n", 180, True), ("opensmtptimeout", "0\n", 0, False),
        ("opensmtptimeout", "999999\n", 525600, True), ("timeoutsmtpd", "300\n", 300, False),
        ("timeoutsmtpd", "0\n", 1, True), ("timeoutsmtpd", "soon\n", 1200, True),
        ("authsender", "9\n", 2, True), ("authsender", "yes\n", 0, True),
        ("databytes", "20971520\n", 20971520, False), ("databytes", "20M\n", 20, True),
        ("databytes", "much\n", 0, True), ("databytes", "9" * 19, 2**63 - 1, True),
        ("spfbehavior", "3\n", 3, False), ("spfbehavior", "7\n", 6, True),
        ("spfbehavior", "strict\n", 0, True), ("maxrecipients", "abc\n", 0, True),
        ("maxrecipients", "50\n", 50, False), ("maxwrongrcpt", "few\n", 0, True),
        ("tarpitcount", "few\n", 0, True), ("tarpitdelay", "long\n", 5, True),
        ("tarpitdelay", "9999\n", 3600, True), ("skipcachk", "7\n", 2, True), ("skipsachk", "7\n", 2, True),
        ("skipcachk", "x\n", 0, True), ("samsgsize", "300000\n", 300000, False),
        ("samsgsize", "big\n", 256000, True), ("spamdchildren", "20\n", 20, False),
        ("spamdchildren", "0\n", 10, True), ("spamdchildren", "9999\n", 500, True),
        ("smtplog", "5\n", 2, True), ("smtplog", "x\n", 0, True), ("authfaillimit", "x\n", 20, True),
        ("greylistdelay", "x\n", 300, True),
    ],
)  # fmt: skip
@pytest.mark.guide("MAIL-CTL-017", "MAIL-CTL-020", "MAIL-CTL-181")
def test_numbers(control, name, text, value, is_marked):
    assert read(control, name, text) == (value, [1] if is_marked else [])


def test_an_unreadable_authsender_is_what_it_would_be_without_the_file(control):
    (control / "smtpauth").write_text("1\n")
    assert read(control, "authsender", "yes\n") == (2, [1])
    (control / "authsender").unlink()
    assert ControlFiles(control).snapshot()[smtpd.AUTHSENDER] == 2


@pytest.mark.guide("MAIL-AUTH-003", "MAIL-AUTH-004")
def test_authsender_hangs_on_smtpauth(control):
    files = ControlFiles(control)
    assert files.snapshot()[smtpd.AUTHSENDER] == 0
    (control / "smtpauth").write_text("1\n")
    assert files.snapshot()[smtpd.AUTHSENDER] == 2
    (control / "options").write_text("smtpauth 0\n")
    assert files.snapshot()[smtpd.AUTHSENDER] == 2


# Texts


@pytest.mark.parametrize(
    ("name", "text", "value", "is_marked"),
    [
        ("rblsyslog", "local7.warn\n", "local7.warn", False),
        ("rblsyslog", "nowhere.warn\n", "mail.notice", True),
        ("rblsyslog", "local7\n", "mail.notice", True), ("sysfacility", "LOG_LOCAL3\n", "LOG_LOCAL3", False),
        ("sysfacility", "log_local3\n", "log_local3", False),
        ("sysfacility", "LOG_MAIL\n", "LOG_LOCAL0", True),
        ("spfrules", "ip4:192.0.2.0/24 include:partners.test\n", "ip4:192.0.2.0/24 include:partners.test",
        False),
        ("spfrules", "nonsense:x ip4:192.0.2.1\n", "", True), ("spfrules", "ip4:300.1.1.1\n", "", True),
        ("spfguess", "v=spf1 a/24 mx/24 ptr -all\n", "v=spf1 a/24 mx/24 ptr -all", False),
        ("spfguess", "a/24 -all\n", "a/24 -all", False), ("spfguess", "v=spf1 nonsense -all\n", "", True),
        ("spfexp", "Mail from %{s} may not come from %{i}, see http://spf.test/\n",
         "Mail from %{s} may not come from %{i}, see http://spf.test/", False),
        ("spfexp", "see %{q}\n", "", True), ("spfexp", "100% no\n", "", True), ("spfexp", "%{i", "", True),
        ("tlsprotocols", "TLSv1.2,TLSv1.3\n", "TLSv1.2,TLSv1.3", False),
        ("authmethods", "PLAIN SCRAM-SHA-256\n", "PLAIN SCRAM-SHA-256", False),
    ],
)  # fmt: skip
def test_texts(control, name, text, value, is_marked):
    assert read(control, name, text) == (value, [1] if is_marked else [])


def test_an_unknown_tls_version_is_dropped_and_the_rest_counts(control):
    value, lines = read(control, "tlsprotocols", "TLSv1.3,TLSv9\n")
    assert lines == [1]
    assert "TLSv1.3" in value


def test_a_text_is_the_first_line_with_its_leading_blanks(control):
    assert read(control, "smtpgreeting", "  mail.one.test \t\r\nmore\n")[0] == "  mail.one.test"


# Lists


@pytest.mark.parametrize(
    ("name", "text", "bad_lines"),
    [
        ("relayclients", "# office\n198.51.100.7\n10.7.\n192.0.2.*\n!192.0.2.66\n192.0.2.10:\n", []),
        ("relayclients", "198.51.100.7\n300.1.1.1\noffice\n", [2, 3]), ("relayclients", "*\n", [1]),
        ("relayclients", "10.7.300.\n[abc\n", [1, 2]), ("relayclients", "2001:db8::1\n2001:db8:\n", []),
        ("relaydomains", ".partner.test\n!dial.partner.test\nm*.friend.test\n", []),
        ("relaydomains", "exa mple.test\n..x\n", [1, 2]), ("relaydomains", "*\n", [1]),
        ("rblhosts", 'a:white.test\nbl.test\n"x.test: %IP% is listed"\n', []),
        ("rblhosts", 'bl.test\n"x.test: no end\nbl test\nnodot\n', [2, 3, 4]),
        ("rblhosts", "bl.test: you are listed\n", [1]),
        ("smtpplugins", "[rcpt]\n/p/x\n", []),
        ("badhelo", "localhost\n*.dialup.test\n!mail.dialup.test\n!\n.\n", []), ("badhelo", "\n[abc\n", [2]),
        ("badmailfrom", "spam@bulk.test\n@junk.test\n", []), ("badmailfrom", "junk.test\n*@x.test\n", [1, 2]),
        ("badmailpatterns", "*@*.bulk.test\n!news@a.bulk.test\n", []),
        ("badmailpatterns", "!\nx\\\n[a\n", [1, 2, 3]),
        ("badmailfrom-unknown", "@big.test\nbig.test\n.big.test\nx@big.test\n", []),
        ("blackholedsender", "*@*.flood.test\n", []), ("blackholedsender", "x\\\n", [1]),
        ("nomfdnscheck", "@intern.test\nrobot@partner.test\n", []), ("nomfdnscheck", "intern.test\n", [1]),
        ("relaymailfrom", "@partner.test\n", []), ("relaymailfrom", "*@partner.test\npartner.test\n", [1, 2]),
        ("badrcptto", "info@example.test\n@old.test\n", []), ("badrcptto", "old.test\n", [1]),
        ("badrcptpatterns", "*\\[192.0.2.25\\]*\n*%*\n", []), ("badrcptpatterns", "[x\n", [1]),
        ("rcpthosts", "example.test\n.sub.test\n", []), ("rcpthosts", "example.test\nuser@d.test\n", [2]),
        ("morercpthosts", "m45.test\n", []), ("morercpthosts", "user@d.test\n", [1]),
        ("badsignatures", "TVqQAAMAA\n# zip\nUEsDBAkAA\n", []),
        ("badsignatures", "TVqQ\nTVqQAA AA\nTVqQAAMAA\n", [1, 2]),
        ("badloadertypes", "MzIuZ\n", []), ("badloadertypes", "MzI\nMz!uZ\n", [1, 2]),
        ("nogreylist", "@urgent.test\n", []), ("nogreylist", "urgent.test\n", [1]),
        ("proxyprotocol", "10.7.0.5\n10.8.0.0/16\n", []), ("proxyprotocol", "balancer\n", [1]),
    ],
)  # fmt: skip
@pytest.mark.guide("MAIL-CTL-017", "MAIL-CTL-018")
def test_lists_report_the_lines_that_do_nothing(control, name, text, bad_lines):
    assert read(control, name, text)[1] == bad_lines


def test_a_list_has_its_entries_without_blanks_and_comments(control):
    entries, _ = read(control, "badmailfrom", "# junk\n\n@junk.test \t\r\nx#y@far.test\n@last.test")
    assert entries == ("@junk.test", "x#y@far.test", "@last.test")
    assert [entry.line for entry in entries] == [3, 4, 5]


def test_an_empty_list_is_in_force_and_matches_nothing(control):
    assert read(control, "rcpthosts", "# nobody\n")[0] == ()


def test_plugins_below_an_unknown_section_are_reported(tmp_path, control, capsys):
    home = tmp_path / "qmail"
    home.mkdir()
    control.rename(home / "control")
    (home / "control" / "smtpplugins").write_text("[rcpt]\n/p/x\n[whatever]\n/p/y\n")
    assert showctl.main(["--root", str(tmp_path)]) == 0
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("smtpplugins: (Bad")]
    assert ["line 3" in shown[0], "line 4" in shown[1], len(shown)] == [True, True, 2]


# The file options


@pytest.mark.guide(
    "MAIL-CTL-176", "MAIL-CTL-125", "MAIL-CTL-129", "MAIL-CTL-133", "MAIL-SPP-016", "MAIL-LOG-014"
)
def test_options_holds_scalars(control):
    (control / "options").write_text(
        "# all in one\nstricthelocheck 1\nsmtplog=2\nchksignature: 1\nchkloadertype = 1\nqmailspp\t1\n\n"
    )
    now = ControlFiles(control).snapshot()
    assert [now[one] for one in (
        smtpd.STRICTHELOCHECK, smtpd.SMTPLOG, content.CHKSIGNATURE, content.CHKLOADERTYPE, smtpd.QMAILSPP,
    )] == [True, 2, True, True, True]  # fmt: skip
    assert not now.is_default(smtpd.SMTPLOG)


def test_a_file_of_its_own_wins_over_options_even_when_it_is_bad(control):
    (control / "options").write_text("maxrecipients 7\n")
    assert read(control, "maxrecipients", "9\n") == (9, [])
    assert read(control, "maxrecipients", "abc\n") == (0, [1])


def test_the_last_line_of_options_wins_and_lists_do_not_count_there(control):
    (control / "options").write_text("maxrecipients 7\nmaxrecipients 8\nbadmailfrom @junk.test\n")
    now = ControlFiles(control).snapshot()
    assert now[smtpd.MAXRECIPIENTS] == 8
    assert now[smtpd.BADMAILFROM] is None


def test_a_name_without_a_value_counts_as_absent_and_is_reported(control):
    (control / "options").write_text("userchk\nnoathost 1\n")
    now = ControlFiles(control).snapshot()
    assert now[common.USERCHK] is False
    assert now[smtpd.NOATHOST] is True
    assert [one.control for one in now.bad] == ["userchk"]


def test_unknown_and_obsolete_names_are_listed_and_do_nothing(control):
    (control / "options").write_text("mystery 1\nbadurls 1\n")
    (control / "urlscnt").write_text("5\n")
    files = ControlFiles(control)
    assert greets(files.snapshot())
    assert files.unknown_options() == ["mystery"]
    assert files.obsolete() == ["badurls", "urlscnt"]


NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=8)
VALUES = st.text(string.ascii_letters + string.digits + "-./", min_size=1, max_size=8)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), NAMES, VALUES)
def test_setting_an_option_keeps_all_others(lines, name, value):
    text = "# head\n" + "".join(f"{one} = {two}\n" for one, two in lines)
    changed = set_option(text, name, value)
    assert read_options(changed) == {**read_options(text), name: value}
    assert changed.startswith("# head\n")
    assert set_option(set_option(changed, name, None), name, value) == changed


# Never stops mail


@pytest.mark.parametrize("name", [one.name for one in REGISTRY if one.name != "me"])
def test_no_garbage_in_a_control_stops_mail(control, name):
    for garbage in (b"", b"\n\n", b"\0\xff\n[\n\\\n!\n", b"x" * 5000, b"%s%n\n@\n..\n"):
        (control / name).write_bytes(garbage)
        assert greets(ControlFiles(control).snapshot())


@given(
    st.dictionaries(
        st.sampled_from([one.name for one in REGISTRY if one.name != "me"]), st.text(), max_size=4
    )
)
def test_no_text_in_any_controls_stops_mail(texts):
    values = {"me": "mx.one.test"}
    values.update({name: read_value(REGISTRY.get(name), text)[0] for name, text in texts.items()})
    assert greets(Snapshot(values))


@pytest.mark.parametrize("name", ["badmailfrom", "userchk", "options"])
def test_what_cannot_be_read_is_trouble_rather_than_a_default(control, name):
    (control / name).mkdir()
    with pytest.raises(TryLater):
        ControlFiles(control).snapshot()


# Variables of tcp.smtp


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("DATABYTES", "30", "databytes", 30), ("SPFBEHAVIOR", "9", "spfbehavior", 6),
        ("SPFBEHAVIOR", "0", "spfbehavior", 0), ("TARPITCOUNT", "2", "tarpitcount", 2),
        ("TARPITDELAY", "9999", "tarpitdelay", 3600), ("MAXRECIPIENTS", "4x", "maxrecipients", 4),
        ("MFDNSCHECK", "1", "mfdnscheck", True), ("HELODNSCHECK", "1", "helodnscheck", True),
        ("HELOCHECK", "1", "helodnscheck", True), ("SMTPAUTH", "1", "smtpauth", True),
        ("SPLITHORIZON", "1", "splithorizon", True), ("QUITASAP", "1", "quitasap", True),
        ("MAXCONNIP", "3", "periplimit", 3),
    ],
)  # fmt: skip
@pytest.mark.guide("MAIL-SPF-014")
def test_variables_win_over_controls(control, variable, text, field, value):
    policy = CompiledControls(ControlFiles(control).snapshot(), has_certificate=False).policy
    assert getattr(with_environment(policy, {variable: text}), field) == value


@pytest.mark.parametrize("text", ["", "-", "much", "+cram"])
def test_a_variable_that_is_no_number_changes_nothing(control, text):
    (control / "databytes").write_text("20\n")
    policy = CompiledControls(ControlFiles(control).snapshot(), has_certificate=False).policy
    assert with_environment(policy, {"DATABYTES": text}).databytes == 20


def test_policies_are_made_once_for_each_set_of_variables(control):
    compiled = CompiledControls(ControlFiles(control).snapshot(), has_certificate=False)
    assert compiled.for_client({})[0] is compiled.policy
    assert compiled.for_client({"RELAYCLIENT": ""})[0] is compiled.policy
    first = compiled.for_client({"DATABYTES": "9", "RELAYCLIENT": ""})
    assert compiled.for_client({"DATABYTES": "9"})[0] is first[0]


# What the lists' own checks say against what the evaluator does

TERMS = st.sampled_from(
    ["a", "mx/24", "-all", "~all", "?a:x.test", "ptr", "ip4:192.0.2.0/24", "ip6:2001:db8::/32",
    "+exists:%{ir}.x.test",
     "include:%{d2}.test", "a:x.test/24//64", "mx//48", "PTR:x.test", "exists:%{LR+}.x.test", "v2=%{d}",
     "foo=bar",
     "redirect=x.test", "exp=y.test", "nonsense", "ip4:300.1.1.1", "ip6:192.0.2.1", "include", "a:",
     "all:x", "%{q}",
     "exists:%{dR.}%%.x.test", "ip4:192.0.2.1/", ""]
)  # fmt: skip


@given(st.lists(TERMS, max_size=5))
def test_no_line_of_spf_that_works_is_thrown_away(terms):
    text = " ".join(terms)
    if rules_problem(text) is None:
        assert spf_checks.rules(text) is None
    if guess_problem(text) is None:
        assert spf_checks.record(text) is None
        assert spf_checks.record(f"v=spf1 {text}") is None


@given(st.text(st.sampled_from("%{}sdihcrtlRD0123.+-_ aé"), max_size=20))
def test_no_explanation_that_works_is_thrown_away(text):
    assert (explanation_problem(text) is None) <= (spf_checks.explanation(text) is None)


# What is told of a control


@pytest.mark.parametrize(
    ("name", "since"),
    [
        guided("maxwrongrcpt", "hsphere-mail-service-4-14", "MAIL-CTL-052"),
        guided("qmailspp", "3.0 RC4", "MAIL-SPP-003"), guided("flagfailclosed", "3.0 RC4", "MAIL-RBL-014"),
        guided("flagrblbounce", "3.0 RC4", "MAIL-RBL-018"), guided("stricthelocheck", "3.0", "MAIL-CTL-127"),
        guided("chksignature", "3.0", "MAIL-CTL-131"), guided("chkloadertype", "3.0", "MAIL-CTL-135"),
        guided("catchall", "3.0 P5", "MAIL-CTL-169"), guided("rejectdiscardedmail", "3.0 P5", "MAIL-CTL-172"),
        guided("authsender", "3.0 P5", "MAIL-AUTH-005"), guided("tlsprotocols", "3.0 P2", "MAIL-TLS-001"),
        guided("xoriginatingip", "2.5.0 P7", "MAIL-HDR-001"), guided("smtplog", "2.5 P1", "MAIL-LOG-014"),
        guided("sysfacility", "2.4.3 P1", "MAIL-LOG-011"),
    ],
)  # fmt: skip
def test_since_when_a_control_is_there(name, since):
    assert REGISTRY.get(name).since == since


@pytest.mark.guide("MAIL-RBL-002", "MAIL-CTL-070", "MAIL-CTL-073")
@pytest.mark.parametrize("name", [one.name for one in REGISTRY if one.example])
def test_every_example_is_a_good_value(control, name):
    assert read(control, name, REGISTRY.get(name).example + "\n")[1] == []
    assert REGISTRY.get("rblhosts").example
    assert REGISTRY.get("badmailpatterns").example
    assert REGISTRY.get("badmailfrom-unknown").example


@pytest.mark.guide("MAIL-LOG-018", "MAIL-LOG-019")
def test_smtplog_is_for_debugging_and_not_in_the_panel():
    assert not REGISTRY.get("smtplog").in_panel
    assert "debugging" in REGISTRY.get("smtplog").caution


@pytest.mark.guide("MAIL-LOG-010")
@pytest.mark.parametrize("number", range(10))
def test_sysfacility_takes_local_facilities_0_to_7(control, number):
    value, lines = read(control, "sysfacility", f"LOG_LOCAL{number}\n")
    assert (value, lines) == ((f"LOG_LOCAL{number}", []) if number < 8 else ("LOG_LOCAL0", [1]))
