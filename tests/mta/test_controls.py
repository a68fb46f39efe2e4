"""Controls: what a file, a line in options or nothing at all means, and that changes are seen."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.contracts.controls import common, send, smtpd
from heliosphere.contracts.controls.registry import (
    REGISTRY,
    Control,
    ControlRegistry,
    read_options,
    read_scalar,
)
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.programs import showctl
from heliosphere.mta.programs.send import send_settings
from heliosphere.mta.rules.errors import TryLater


@pytest.fixture
def control(tmp_path):
    (tmp_path / "qmail" / "control").mkdir(parents=True)
    return tmp_path / "qmail" / "control"


def test_a_control_can_only_be_declared_once():
    registry = ControlRegistry()
    registry.flag("x", False, "One.", ("smtpd",))
    with pytest.raises(ValueError, match="twice"):
        registry.flag("x", False, "Two.", ("smtpd",))


def test_every_control_says_in_one_sentence_what_it_is_for():
    for one in REGISTRY:
        assert one.summary.endswith(".")
        assert one.read_by


@pytest.mark.parametrize(
    ("text", "value", "is_bad"),
    [("1000", 1000, False), ("12abc", 12, True), ("abc", 0, True), ("-5", 0, True), ("", 0, True),
     ("9" * 30, 2**63 - 1, True), ("5 \t", 5, False)],
)  # fmt: skip
def test_numbers_read_as_qmail_reads_them(text, value, is_bad):
    found, bad = read_scalar(smtpd.DATABYTES, text)
    assert (found, bad is not None) == (value, is_bad)


@pytest.mark.guide("MAIL-CTL-038", "MAIL-CTL-039", "MAIL-CTL-042", "MAIL-CTL-043")
def test_bounds_are_kept():
    assert read_scalar(send.CONCURRENCYREMOTE, "900")[0] == 500
    assert read_scalar(smtpd.TCPSESSIONCOUNT, "0")[0] == 40


@given(st.text())
def test_any_text_gives_a_value_in_bounds(text):
    for one in REGISTRY:
        if one.kind == "number":
            value, _ = read_scalar(one, text)
            assert isinstance(value, int)
            assert one.at_most is None or value <= one.at_most


@given(st.text())
def test_any_options_file_can_be_read(text):
    read_options(text)


def test_options_grammar():
    text = "# comment\nstricthelocheck 1\nsmtplog=2\nchksignature: 0\nx = 5\n\nsmtplog 1\nbare\n"
    assert read_options(text) == {
        "stricthelocheck": "1", "smtplog": "1", "chksignature": "0", "x": "5", "bare": "",
    }  # fmt: skip


@pytest.mark.guide("MAIL-CTL-174", "MAIL-CTL-175", "MAIL-CTL-181")
def test_own_file_then_options_then_default(control):
    files = ControlFiles(control)
    assert files.snapshot()[smtpd.MAXRECIPIENTS] == 0
    (control / "options").write_text("maxrecipients 7\n")
    assert files.snapshot()[smtpd.MAXRECIPIENTS] == 7
    (control / "maxrecipients").write_text("9\nsecond line\n")
    assert files.snapshot()[smtpd.MAXRECIPIENTS] == 9
    (control / "maxrecipients").unlink()
    assert files.snapshot()[smtpd.MAXRECIPIENTS] == 7


def test_a_snapshot_keeps_its_values_and_is_shared_while_nothing_changes(control):
    files = ControlFiles(control)
    (control / "userchk").write_text("1\n")
    before = files.snapshot()
    assert files.snapshot() is before
    (control / "userchk").write_text("0 \n")
    assert before[common.USERCHK] is True
    assert files.snapshot()[common.USERCHK] is False


def test_a_bad_value_means_the_default_and_is_reported(control):
    bad = []
    (control / "queuelifetime").write_text("soon\n")
    assert ControlFiles(control, bad.append).snapshot()[send.QUEUELIFETIME] == 604800
    assert [(one.control, one.found) for one in bad] == [("queuelifetime", "soon")]


def test_an_absent_list_differs_from_an_empty_one(control):
    files = ControlFiles(control)
    assert files.snapshot()[smtpd.RCPTHOSTS] is None
    (control / "rcpthosts").write_text("# nothing\n\n")
    assert files.snapshot()[smtpd.RCPTHOSTS] == ()
    (control / "rcpthosts").write_text("one.test  \r\n#x\nb#c")
    assert files.snapshot()[smtpd.RCPTHOSTS] == ("one.test", "b#c")


def test_an_empty_text_is_a_value(control):
    (control / "doublebounceto").write_text("")
    assert ControlFiles(control).snapshot()[send.DOUBLEBOUNCETO] == ""


def test_a_control_that_cannot_be_read_is_trouble_and_not_a_default(control):
    (control / "databytes").mkdir()
    with pytest.raises(TryLater):
        ControlFiles(control).snapshot()


@pytest.mark.guide("MAIL-CTL-178")
def test_showctl_is_for_root_and_for_the_owner_of_the_tree(control, tmp_path, capsys, monkeypatch):
    owner = control.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 12345)
    assert showctl.main(["--root", str(tmp_path)]) == showctl.NOT_ROOT
    assert "must be root" in capsys.readouterr().err
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert showctl.main(["--root", str(tmp_path)]) == 0


@pytest.mark.guide("MAIL-CTL-177")
def test_showctl_is_a_command_of_its_own(control, tmp_path):
    command = [sys.executable, "-m", "heliosphere.cli.main", "mail", "showctl", "--root", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "tcpsessioncount: (Default.) 40" in found.stdout


def test_showctl_tells_everything_that_cannot_be_used(control, tmp_path, capsys):
    (control / "badhelo").write_text("ok.test\n[open\n")
    (control / "databytes").write_text("20M\n")
    (control / "spfrules").write_text("nonsense:x\n")
    (control / "smtpplugins").write_text("[rcpt]\n/p/x\n[zzz]\n/p/y\n")
    (control / "options").write_text("urlscnt 5\nmystery 1\n")
    (control / "spamdclients").write_text("nobody\n")
    etc = tmp_path / "vpopmail" / "etc"
    etc.mkdir(parents=True)
    (etc / "tcp.smtp").write_text("10.:alow\n")
    assert showctl.main(["--root", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "badhelo: (Bad entry in line 2, '[open': " in shown
    assert "databytes: (Bad value '20M', using 20: " in shown
    assert "spfrules: (Bad value" in shown
    assert "smtpplugins: (Bad entry in line 3" in shown
    assert "spamdclients: (Bad entry in line 1" in shown
    assert "tcp.smtp: (line 1: error: " in shown
    assert "urlscnt: obsolete" in shown
    assert "mystery: unknown in options" in shown


@pytest.mark.guide("MAIL-CTL-179", "MAIL-CTL-180", "MAIL-CTL-183")
def test_showctl_prints_value_and_default(control, tmp_path, capsys):
    (control / "maxrecipients").write_text("100\n")
    (control / "rcpthosts").write_text("one.test\n")
    (control / "mystery").write_text("1\n")
    assert showctl.main(["--root", str(tmp_path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "maxrecipients: 100" in shown
    assert "databytes: (Default.) 0" in shown
    at = shown.index("rcpthosts: 1 entries")
    assert shown[at + 1] == "  | one.test"
    assert "mystery: not a control this engine reads" in shown
    names = [line.partition(":")[0] for line in shown]
    assert all(one.name in names for one in REGISTRY)


def test_a_declaration_is_plain_data():
    assert isinstance(smtpd.DATABYTES, Control)


@pytest.mark.guide(
    "MAIL-CTL-034", "MAIL-CTL-037", "MAIL-CTL-041", "MAIL-CTL-045", "MAIL-CTL-047", "MAIL-CTL-049",
    "MAIL-CTL-054", "MAIL-CTL-120", "MAIL-CTL-164", "MAIL-AUTH-010", "MAIL-BOUNCE-005",
    "MAIL-BOUNCE-012", "MAIL-BOUNCE-016",
    "MAIL-BOUNCE-019",
)  # fmt: skip
def test_defaults_are_those_of_the_guide(control):
    (control / "me").write_text("mx.one.test\n")
    files = ControlFiles(control)
    now = files.snapshot()
    assert [now[one] for one in (
        smtpd.TCPSESSIONCOUNT, send.CONCURRENCYREMOTE, send.CONCURRENCYLOCAL, smtpd.DATABYTES,
        send.QUEUELIFETIME, smtpd.MAXRECIPIENTS, smtpd.TIMEOUTSMTPD, common.USERCHK,
        common.UQUOTACHECK, smtpd.SMTPAUTH,
    )] == [40, 100, 50, 0, 604800, 0, 1200, False, False, False]  # fmt: skip
    names = send_settings(files).names
    assert (names.author, names.double_to) == ("MAILER-DAEMON@mx.one.test", "postmaster@mx.one.test")


def test_authsender_two_refuses_nothing():
    assert read_scalar(smtpd.AUTHSENDER, "2")[0] == 2
