"""spp-conf and mail-ssl-proto: what an operator types, and what the files hold after it."""

import io
import os
import select
import signal
import stat
import subprocess
import sys

import pytest

from heliosphere.cli.main import find
from heliosphere.mta.adapters.files.pid_file import PidFile, ask_restart, pid_path, running_engine
from heliosphere.mta.programs import spp_conf, ssl_proto
from heliosphere.mta.rules.clients.tls_protocols import parse_tls_protocols
from heliosphere.mta.rules.errors import Refused
from heliosphere.mta.rules.plugins.spp import Section, parse_plugins


@pytest.fixture
def root(tmp_path):
    plugins = tmp_path / "qmail" / "control" / "plugins"
    plugins.mkdir(parents=True)
    for name in ("greyd", "helper"):
        (plugins / name).write_text("#!/bin/sh\n")
        (plugins / name).chmod(0o755)
    (plugins / "plain").write_text("#!/bin/sh\n")
    (plugins / "plain").chmod(0o640)
    return tmp_path


@pytest.fixture
def run(root, monkeypatch, capsys):
    def run(*words, rows=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(rows))
        code = spp_conf.main(["--root", str(root), *words])
        return code, capsys.readouterr().err

    return run


def table(root):
    """Section to commands, as the SMTP server would read it."""
    text = (root / "qmail" / "control" / "smtpplugins").read_text()
    found = parse_plugins(text.split("\n"))
    assert not found.problems
    start = f"{root}/qmail/control/plugins/"
    return [(one.section.value, str(one).replace(start, "")) for one in found.plugins]


# spp-conf


@pytest.mark.guide(
    "MAIL-SPP-025",
    "MAIL-SPP-027",
    "MAIL-SPP-030",
    "MAIL-SPP-031",
    "MAIL-SPP-032",
    "MAIL-SPP-033",
    "MAIL-SPP-035",
    "MAIL-SPP-036",
)
def test_a_plugin_is_added_with_its_full_path(root, run):
    assert run("-a", "-p", "greyd", "-t", "rcpt") == (0, "")
    assert run("-p", "helper", "-t", "rcpt") == (0, "")
    assert run("-p", "greyd", "-t", "rcpt") == (0, "")

    text = (root / "qmail" / "control" / "smtpplugins").read_text()
    assert text == f"[rcpt]\n{root}/qmail/control/plugins/greyd\n{root}/qmail/control/plugins/helper\n"


@pytest.mark.guide("MAIL-SPP-034")
def test_every_category_is_known(root, run):
    for section in ("connection", "auth", "helo", "mail", "rcpt", "data"):
        assert run("-p", "greyd", "-t", section)[0] == 0
    assert {name for name, _ in table(root)} == {section.value for section in Section}


@pytest.mark.guide("MAIL-SPP-037")
def test_a_plugin_is_taken_out_of_one_category(root, run):
    run("-b", rows="rcpt;greyd\nmail;greyd\n")
    assert run("-r", "-p", "greyd", "-t", "rcpt") == (0, "")
    assert table(root) == [("mail", "greyd")]


def test_a_plugin_whose_file_is_gone_can_be_taken_out(root, run):
    run("-p", "greyd", "-t", "rcpt")
    (root / "qmail" / "control" / "plugins" / "greyd").unlink()
    assert run("-r", "-p", "greyd", "-t", "rcpt") == (0, "")
    assert table(root) == []


@pytest.mark.guide("MAIL-SPP-038")
def test_all_plugins_are_taken_out_of_one_category_or_of_all(root, run):
    run("-b", rows="rcpt;greyd\nmail;greyd\nmail;helper\ndata;helper\n")
    assert run("-R", "-t", "mail") == (0, "")
    assert table(root) == [("rcpt", "greyd"), ("data", "helper")]
    assert run("-R") == (0, "")
    assert table(root) == []


@pytest.mark.guide("MAIL-SPP-039", "MAIL-SPP-040")
def test_rows_are_done_one_by_one_and_bad_ones_named(root, run):
    code, said = run("-b", rows="rcpt;greyd\nnowhere;greyd\n\nrcpt;missing\nhelper\nmail;helper\n")

    assert code == 1
    assert [line.split(" (")[0] for line in said.splitlines()] == [
        "spp-conf: row 2",
        "spp-conf: row 4",
        "spp-conf: row 5",
    ]
    assert table(root) == [("rcpt", "greyd"), ("mail", "helper")]
    assert run("-r", "-b", rows="rcpt;greyd\nmail;helper\n") == (0, "")
    assert table(root) == []


@pytest.mark.guide("MAIL-SPP-009", "MAIL-SPP-010", "MAIL-SPP-041")
def test_a_plugin_runs_through_the_shell_only_when_told_so(root, run):
    run("-p", "greyd", "-t", "rcpt")
    assert table(root) == [("rcpt", "greyd")]
    run("-s", "-p", "greyd", "-t", "rcpt")
    assert table(root) == [("rcpt", ":greyd")]


@pytest.mark.guide("MAIL-SPP-042")
def test_permissions_are_mended(root, run):
    path = root / "qmail" / "control" / "plugins" / "plain"
    assert run("-p", "plain", "-t", "rcpt")[0] == 1
    assert run("-i", "-p", "plain") == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert path.stat().st_uid == os.geteuid()
    path.chmod(0o600)
    assert run("-a", "-i", "-p", "plain", "-t", "rcpt") == (0, "")
    assert table(root) == [("rcpt", "plain")]


@pytest.mark.parametrize("name", ["ifauthskip", "sendercheck", "logheader"])
def test_a_sample_that_is_missing_is_put_in_place(root, run, name):
    assert run("-p", name, "-t", "mail")[0] == 1
    assert run("-i", "-p", name, "-t", "mail") == (0, "")
    path = root / "qmail" / "control" / "plugins" / name
    assert os.access(path, os.X_OK)
    subprocess.run([sys.executable, "-m", "py_compile", str(path)], check=True)


@pytest.mark.guide("MAIL-RBL-024")
def test_the_built_in_rblspp_needs_no_file_and_no_parameters(root, run):
    assert run("-a", "-p", "rblspp", "-t", "connection") == (0, "")
    assert run("-a", "-i", "-p", "rblspp", "-t", "rcpt") == (0, "")
    assert table(root) == [("connection", "rblspp"), ("rcpt", "rblspp")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-p", "greyd", "-t", "Rcpt"), "not a category"),
        (("-p", "../evil", "-t", "rcpt"), "not a name below"),
        (("-p", "x/../../evil", "-t", "rcpt"), "not a name below"),
        (("-p", "/bin/sh", "-t", "rcpt"), "not a name below"),
        (("-p", "greyd -v", "-t", "rcpt"), "not a name below"),
        (("-p", "greyd\nx", "-t", "rcpt"), "not a name below"),
        (("-p", "", "-t", "rcpt"), "not a name below"),
        (("-p", "missing", "-t", "rcpt"), "is missing"),
        (("-i", "-p", "missing", "-t", "rcpt"), "is missing"),
        (("-p", "plain", "-t", "rcpt"), "not executable"),
    ],
)
def test_what_could_not_run_is_refused_and_the_file_stays(root, run, words, said):
    run("-p", "helper", "-t", "data")
    before = (root / "qmail" / "control" / "smtpplugins").read_bytes()
    code, error = run(*words)

    assert code == 1
    assert said in error
    assert (root / "qmail" / "control" / "smtpplugins").read_bytes() == before


@pytest.mark.guide("MAIL-SPP-028")
def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as end:
        spp_conf.main(["-h"])
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert all(f" {option}" in said for option in ("-a", "-r", "-R", "-b", "-s", "-i", "-p", "-t", "-h"))


@pytest.mark.guide("MAIL-SPP-029")
@pytest.mark.parametrize("words", [("-a", "-r"), ("-r", "-R"), ("-a", "-R")])
def test_actions_exclude_each_other(root, words):
    with pytest.raises(SystemExit) as end:
        spp_conf.main(["--root", str(root), *words, "-p", "greyd", "-t", "rcpt"])
    assert end.value.code == 2


# mail-ssl-proto


@pytest.fixture
def protocols(root, capsys):
    def run(*words):
        code = ssl_proto.main(["--root", str(root), *words])
        path = root / "qmail" / "control" / "tlsprotocols"
        said = capsys.readouterr()
        return code, path.read_text() if path.exists() else None, said.out + said.err

    return run


@pytest.mark.guide("MAIL-TLS-004", "MAIL-TLS-007", "MAIL-TLS-008")
def test_the_list_is_stored(protocols):
    assert protocols("-t", "tlsv1.3")[:2] == (0, "TLSv1.3\n")
    assert protocols("-t", "TLSv1.2, TLSv1.3")[:2] == (0, "TLSv1.2,TLSv1.3\n")


@pytest.mark.guide("MAIL-TLS-005")
def test_without_a_list_the_safe_ones_are_set(protocols):
    assert protocols()[:2] == (0, "TLSv1.2,TLSv1.3\n")


@pytest.mark.guide("MAIL-TLS-006")
def test_obsolete_protocols_are_refused_with_the_reason(protocols):
    protocols("-t", "TLSv1.3")
    code, stored, said = protocols("-t", "SSLv3,TLSv1")
    assert (code, stored) == (1, "TLSv1.3\n")
    assert "RFC 7568" in said
    assert "RFC 8996" in said
    assert "use -t TLSv1.2,TLSv1.3" in said
    assert protocols("-r", "-t", "TLSv1.2,TLSv1.3")[:2] == (0, "TLSv1.2,TLSv1.3\n")


def test_an_obsolete_word_beside_a_good_one_is_stored_but_not_offered(protocols):
    code, stored, said = protocols("-t", "SSLv2,TLSv1.2")
    assert (code, stored) == (0, "SSLv2,TLSv1.2\n")
    assert "offered: TLSv1.2\n" in said
    assert parse_tls_protocols(stored).usable == ("TLSv1.2",)


@pytest.mark.parametrize("text", ["TLSv1.4", "TLSv1.2,quick", "", ",,"])
def test_unknown_words_change_nothing(protocols, text):
    assert protocols("-t", text)[:2] == (1, None)


def test_a_control_with_unknown_words_still_gives_the_good_ones():
    found = parse_tls_protocols("tlsV1.2 ,, quick,TLSv1.0")
    assert (found.usable, found.obsolete, found.unknown) == (("TLSv1.2",), ("TLSv1",), ("quick",))
    assert parse_tls_protocols("quick").usable == ()


ENGINE = """
import signal, sys, pathlib
from heliosphere.mta.adapters.files.pid_file import PidFile, pid_path
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
PidFile(pid_path(pathlib.Path(sys.argv[1]))).hold()
print("ready", flush=True)
print("told", signal.sigtimedwait({signal.SIGHUP}, 30).si_signo, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def engine(root):
    """A process that holds the pid file as serve does."""
    process = subprocess.Popen(
        [sys.executable, "-c", ENGINE, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.integration
@pytest.mark.guide("MAIL-TLS-009")
def test_r_tells_the_running_service_to_start_anew(protocols, engine):
    code, stored, said = protocols("-r", "-t", "TLSv1.3")
    assert (code, stored) == (0, "TLSv1.3\n")
    assert f"mail service {engine.pid} starts anew" in said
    assert select.select([engine.stdout], [], [], 15)[0]
    assert engine.stdout.readline() == f"told {signal.SIGHUP.value}\n"


def test_without_r_nothing_is_told(protocols, engine):
    protocols("-t", "TLSv1.3")
    assert not select.select([engine.stdout], [], [], 0.2)[0]


def test_without_a_running_service_r_only_stores(protocols, root):
    pid_path(root).write_text(f"{os.getpid()}\n")  # left by a crash, and the number belongs to us now
    code, stored, said = protocols("-r", "-t", "TLSv1.3")
    assert (code, stored) == (0, "TLSv1.3\n")
    assert "no mail service runs" in said


def test_one_engine_a_tree(root, engine):
    assert running_engine(pid_path(root)) == engine.pid
    with pytest.raises(Refused):
        PidFile(pid_path(root)).hold()
    engine.kill()
    engine.wait()
    assert running_engine(pid_path(root)) is None
    assert ask_restart(pid_path(root)) is None
    mine = PidFile(pid_path(root))
    mine.hold()
    mine.release()
    assert not pid_path(root).exists()


# The command line


@pytest.mark.parametrize(
    "words",
    [
        ["spp-conf"],
        ["mail", "spp-conf"],
        ["tcprules"],
        ["tcprulescheck"],
        ["mail", "clearopensmtp"],
        ["mail-ssl-proto"],
    ],
)
def test_every_tool_is_a_command(words):
    program, rest = find([*words, "-h"])
    assert rest == ["-h"]
    with pytest.raises(SystemExit) as end:
        program(rest)
    assert end.value.code == 0
