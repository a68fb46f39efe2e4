"""tcp.smtp and open-smtp on disk: compiled in time, never half, and gone when their time is over."""

import multiprocessing
import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.programs import clearopensmtp, tcprules, tcprulescheck
from heliosphere.mta.rules.clients.open_smtp import (
    OpenAddress,
    after_login,
    merged,
    opens_nothing,
    parse_open_smtp,
    render,
    without_expired,
)
from heliosphere.mta.rules.errors import TryLater
from tests.mta.support import Wall

CLIENT = "198.51.100.23"
MINUTE = 60


@pytest.fixture
def etc(tmp_path):
    (tmp_path / "vpopmail" / "etc").mkdir(parents=True)
    (tmp_path / "qmail" / "control").mkdir(parents=True)
    return tmp_path / "vpopmail" / "etc"


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def problems():
    return []


@pytest.fixture
def relay(tmp_path, etc, wall, problems):
    return RelayFiles(tmp_path, wall, problems.append)


def seconds(wall):
    return int(wall.now.timestamp())


# Compiling


def test_a_fresh_server_accepts_everybody_and_writes_an_empty_cdb(relay, etc):
    assert relay.tcp_rule_for(CLIENT).is_allowed
    assert not relay.tcp_rule_for(CLIENT).environment
    assert (etc / "tcp.smtp.cdb").stat().st_size == 2048


def test_rules_are_in_force_as_soon_as_they_are_written(relay, etc):
    relay.tcp_rule_for(CLIENT)
    (etc / "tcp.smtp").write_text(f'# ours\n{CLIENT}:allow,RELAYCLIENT=""\n:deny\n')

    found = relay.tcp_rule_for(CLIENT)
    assert (dict(found.environment), found.source, found.line) == ({"RELAYCLIENT": ""}, "tcp.smtp", 2)
    assert not relay.tcp_rule_for("192.0.2.1").is_allowed
    assert relay.tcp_rule_for("192.0.2.1").line == 3

    (etc / "tcp.smtp").write_text("192.0.2.1:allow\n")
    assert relay.tcp_rule_for("192.0.2.1").is_allowed


def test_what_another_process_compiles_is_in_force_at_once(relay, etc, tmp_path, wall):
    (etc / "tcp.smtp").write_text(":allow\n")
    other = RelayFiles(tmp_path, wall)
    assert other.tcp_rule_for(CLIENT).is_allowed
    (etc / "tcp.smtp").write_text(":deny\n")
    relay.compile()

    assert not other.tcp_rule_for(CLIENT).is_allowed


def test_an_error_keeps_the_old_rules_and_is_told_once(relay, etc, problems):
    (etc / "tcp.smtp").write_text(f"{CLIENT}:deny\n")
    assert not relay.tcp_rule_for(CLIENT).is_allowed
    before = (etc / "tcp.smtp.cdb").read_bytes()

    (etc / "tcp.smtp").write_text(f"{CLIENT}:allow\n192.0.2.1:alow\n")
    for _ in range(3):
        assert not relay.tcp_rule_for(CLIENT).is_allowed

    assert [(one.line, one.text) for one in problems] == [(2, "192.0.2.1:alow")]
    assert (etc / "tcp.smtp.cdb").read_bytes() == before
    (etc / "tcp.smtp").write_text(f"{CLIENT}:allow\n")
    assert relay.tcp_rule_for(CLIENT).is_allowed


def test_a_bad_file_on_the_first_start_stops_no_mail_and_opens_nothing(relay, etc, problems):
    (etc / "tcp.smtp").write_text(':allow,RELAYCLIENT=""\nbad:line\n')

    for _ in range(2):
        found = relay.tcp_rule_for(CLIENT)
        assert (found.is_allowed, dict(found.environment)) == (True, {})
    assert [one.line for one in problems] == [2]


def test_a_damaged_cdb_is_made_again_from_its_text(relay, etc):
    (etc / "tcp.smtp").write_text(f"{CLIENT}:deny\n")
    relay.compile()
    (etc / "tcp.smtp.cdb").write_bytes(b"short")

    assert not relay.tcp_rule_for(CLIENT).is_allowed


def test_a_damaged_cdb_without_a_text_is_not_taken_for_no_rules(relay, etc):
    (etc / "tcp.smtp.cdb").write_bytes(b"short")
    with pytest.raises(TryLater):
        relay.tcp_rule_for(CLIENT)


def test_rules_whose_text_is_kept_elsewhere_survive_a_sign_in(relay, etc, tmp_path):
    (etc / "tcp.smtp").write_text("192.0.2.1:deny\n")
    relay.compile()
    (etc / "tcp.smtp").unlink()

    assert relay.remember_login(CLIENT)
    assert not relay.tcp_rule_for("192.0.2.1").is_allowed
    assert relay.tcp_rule_for(CLIENT).is_dynamic


def test_nothing_is_read_again_while_nothing_changes(relay, etc, monkeypatch):
    (etc / "tcp.smtp").write_text(f"{CLIENT}:deny\n")
    relay.tcp_rule_for(CLIENT)
    monkeypatch.setattr(RelayFiles, "_read", lambda self, name: pytest.fail("read again"))

    assert not relay.tcp_rule_for(CLIENT).is_allowed


def test_files_that_cannot_be_written_stop_no_mail(tmp_path, wall, problems):
    (tmp_path / "vpopmail").write_text("not a directory")
    relay = RelayFiles(tmp_path, wall, problems.append)

    assert relay.tcp_rule_for(CLIENT).is_allowed
    assert problems


# POP before SMTP


def test_a_sign_in_lets_the_address_relay_and_spares_it_the_block_lists(relay):
    assert relay.tcp_rule_for(CLIENT).rule is None
    assert relay.remember_login(CLIENT)

    found = relay.tcp_rule_for(CLIENT)
    assert dict(found.environment) == {"RELAYCLIENT": "", "RBLSMTPD": ""}
    assert found.is_dynamic
    assert relay.tcp_rule_for("198.51.100.24").rule is None


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_web_mail_on_this_machine_opens_nothing(relay, etc, ip):
    assert not relay.remember_login(ip)
    assert not (etc / "open-smtp").exists()


def test_the_file_is_vpopmails(relay, etc, wall):
    relay.remember_login(CLIENT)
    relay.remember_login("2001:DB8::5")

    now = seconds(wall)
    assert (etc / "open-smtp").read_text() == (
        f'{CLIENT}:allow,RELAYCLIENT="",RBLSMTPD=""\t{now}\n'
        f'2001:db8::5:allow,RELAYCLIENT="",RBLSMTPD=""\t{now}\n'
    )
    assert relay.tcp_rule_for("2001:db8:0::5").is_dynamic


def test_a_second_sign_in_only_changes_the_time(relay, etc, wall):
    relay.remember_login(CLIENT)
    compiled = (etc / "tcp.smtp.cdb").stat().st_ino
    wall.forward(5 * MINUTE)

    assert not relay.remember_login(CLIENT)
    assert (etc / "open-smtp").read_text().endswith(f"\t{seconds(wall)}\n")
    assert (etc / "tcp.smtp.cdb").stat().st_ino == compiled


def test_sign_ins_in_quick_succession_write_nothing(relay, etc, wall):
    relay.remember_login(CLIENT)
    before = (etc / "open-smtp").stat().st_ino
    wall.forward(10)
    relay.remember_login(CLIENT)

    assert (etc / "open-smtp").stat().st_ino == before


@pytest.mark.guide("MAIL-AUTH-015", "MAIL-AUTH-016")
def test_the_opening_ends_by_itself_at_the_end_of_its_lifetime(relay, wall):
    relay.remember_login(CLIENT)
    wall.forward(180 * MINUTE - 1)
    assert relay.tcp_rule_for(CLIENT).is_dynamic
    wall.forward(1)
    assert relay.tcp_rule_for(CLIENT).rule is None
    assert relay.tcp_rule_for(CLIENT, minutes=181).is_dynamic


def test_when_the_opening_is_over_the_rule_of_the_network_counts(relay, etc, wall):
    (etc / "tcp.smtp").write_text('198.51.100.:allow,SPFBEHAVIOR="4"\n')
    relay.remember_login(CLIENT)
    wall.forward(181 * MINUTE)

    assert dict(relay.tcp_rule_for(CLIENT).environment) == {"SPFBEHAVIOR": "4"}


def test_a_hand_written_rule_wins_over_a_sign_in(relay, etc):
    (etc / "tcp.smtp").write_text(f"{CLIENT}:deny\n")
    relay.remember_login(CLIENT)

    assert not relay.tcp_rule_for(CLIENT).is_allowed


def test_cleaning_drops_old_and_bad_lines_and_keeps_the_rest(relay, etc, wall):
    now = seconds(wall)
    (etc / "open-smtp").write_text(
        render([OpenAddress("198.51.100.1", now - 10_801), OpenAddress("198.51.100.2", now - 10_790),
                OpenAddress("198.51.100.3", now), OpenAddress("198.51.100.4", now - 10_800)])
        + '198.51.100.5:allow,RELAYCLIENT="",RBLSMTPD=""\nnonsense\tx\n'
    )  # fmt: skip

    assert relay.clear_expired(now, 180) == 4
    assert [one.ip for one in parse_open_smtp((etc / "open-smtp").read_text())] == [
        "198.51.100.2",
        "198.51.100.3",
    ]
    assert [key for n in range(1, 7) if relay.rule_for_key(key := f"198.51.100.{n}")] == [
        "198.51.100.2",
        "198.51.100.3",
    ]
    assert relay.clear_expired(now, 0) == 2


def test_an_opening_that_is_over_stays_shut_while_tcp_smtp_has_an_error(relay, etc, wall):
    (etc / "tcp.smtp").write_text(":allow\n")
    relay.remember_login(CLIENT)
    (etc / "tcp.smtp").write_text("oops:\n")
    wall.forward(181 * MINUTE)
    relay.clear_expired(seconds(wall), 180)

    assert "RELAYCLIENT" not in relay.tcp_rule_for(CLIENT).environment


def _sign_in_from(root, network, count):
    relay = RelayFiles(root, Wall())
    for host in range(count):
        relay.remember_login(f"{network}.{host}")


@pytest.mark.integration
def test_sign_ins_in_several_processes_are_all_kept(relay, etc, tmp_path):
    spawn = multiprocessing.get_context("fork")
    workers = [spawn.Process(target=_sign_in_from, args=(tmp_path, f"10.0.{n}", 15)) for n in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)

    assert len(parse_open_smtp((etc / "open-smtp").read_text())) == 60
    assert all(relay.rule_for_key(f"10.0.{n}.{host}") for n in range(4) for host in range(15))


# Pure parts


@given(st.text())
def test_any_open_smtp_can_be_read_and_written_again(text):
    lines = parse_open_smtp(text)
    assert parse_open_smtp(render(lines)) == lines


@given(
    st.lists(st.tuples(st.ip_addresses().map(str), st.integers(0, 2**40))),
    st.integers(0, 2**40),
    st.integers(0, 600),
)
def test_cleaning_twice_changes_nothing_more(found, now, minutes):
    lines = parse_open_smtp(render(OpenAddress(ip, since) for ip, since in found))
    once = without_expired(lines, now, minutes)
    assert without_expired(once, now, minutes) == once


@given(st.ip_addresses().map(str), st.integers(0, 2**40))
def test_every_address_that_signs_in_gets_one_line(ip, now):
    after = after_login((), ip, now)
    assert after.is_new
    assert len(after.addresses) == 1
    assert not after_login(after.addresses, ip, now + 100).is_new
    assert opens_nothing(ip) or merged("x", after.addresses).count("\n") == 2


# Programs


def run_tcprules(monkeypatch, folder, text):
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    with os.fdopen(read) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        return tcprules.main([str(folder / "t.cdb"), str(folder / "t.tmp")])


def test_tcprules_compiles_what_it_is_given(tmp_path, monkeypatch, capsys):
    assert run_tcprules(monkeypatch, tmp_path, '10.1.:allow,A="b"\n192.0.2.66:deny\n') == 0
    assert not (tmp_path / "t.tmp").exists()

    said = []
    for ip in ("10.1.2.3", "192.0.2.66", "192.0.2.1"):
        monkeypatch.setenv("TCPREMOTEIP", ip)
        assert tcprulescheck.main([str(tmp_path / "t.cdb")]) == 0
        said.append(capsys.readouterr().out.splitlines())
    assert said == [
        ["rule 10.1.:", "set environment variable A=b", "allow connection"],
        ["rule 192.0.2.66:", "deny connection"],
        ["default:", "allow connection"],
    ]


def test_tcprules_leaves_the_cdb_alone_when_a_line_is_bad(tmp_path, monkeypatch, capsys):
    run_tcprules(monkeypatch, tmp_path, ":allow\n")
    before = (tmp_path / "t.cdb").read_bytes()

    assert run_tcprules(monkeypatch, tmp_path, ":allow\n10.1.1.1:alow\n") == 100
    assert "line 2: error" in capsys.readouterr().err
    assert (tmp_path / "t.cdb").read_bytes() == before


def test_tcprules_says_which_file_it_cannot_write(tmp_path, monkeypatch, capsys):
    assert run_tcprules(monkeypatch, tmp_path / "absent", ":allow\n") == 111
    assert "absent/t.tmp" in capsys.readouterr().err


def test_tcprulescheck_tells_a_missing_file_from_an_empty_one(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("TCPREMOTEIP", raising=False)
    assert tcprulescheck.main([str(tmp_path / "none")]) == 111
    run_tcprules(monkeypatch, tmp_path, ':allow,A="b"\n')
    assert tcprulescheck.main([str(tmp_path / "t.cdb")]) == 0
    assert capsys.readouterr().out.startswith("rule :\n")
    monkeypatch.setenv("TCPREMOTEIP", "nonsense")
    assert tcprulescheck.main([str(tmp_path / "t.cdb")]) == 111


@pytest.mark.guide("MAIL-AUTH-015", "MAIL-AUTH-016")
def test_clearopensmtp_goes_by_the_control(tmp_path, etc):
    def lines():
        return (etc / "open-smtp").read_text().count("\n")

    now = seconds(Wall())
    (etc / "open-smtp").write_text(
        render(OpenAddress(f"198.51.100.{n}", now - n * 60 * MINUTE) for n in (1, 2, 4))
    )
    assert clearopensmtp.main(["--root", str(tmp_path)]) == 0
    assert lines() == 2  # 180 minutes by default
    (tmp_path / "qmail" / "control" / "opensmtptimeout").write_text("90\n")
    assert clearopensmtp.main(["--root", str(tmp_path)]) == 0
    assert lines() == 1


def test_clearopensmtp_says_what_it_cannot_do(tmp_path, capsys):
    (tmp_path / "qmail" / "control").mkdir(parents=True)
    assert clearopensmtp.main(["--root", str(tmp_path)]) == 255
    assert "clearopensmtp:" in capsys.readouterr().err


@pytest.mark.integration
def test_the_original_reads_what_a_sign_in_compiled(relay, etc):
    (etc / "tcp.smtp").write_text("10.:deny\n")
    relay.remember_login(CLIENT)
    done = subprocess.run(
        ["tcprulescheck", "tcp.smtp.cdb"], cwd=etc, env={"TCPREMOTEIP": CLIENT, "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        f"rule {CLIENT}:", "set environment variable RELAYCLIENT=", "set environment variable RBLSMTPD=",
        "allow connection",
    ]  # fmt: skip
