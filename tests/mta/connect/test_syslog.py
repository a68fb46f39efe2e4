"""rblsyslog and sysfacility: names of syslog, and lines that arrive."""

import os
import shutil
import signal
import socket
import subprocess
import time
from itertools import product
from logging.handlers import SysLogHandler

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosphere.mta.adapters.logs.syslog_sender import SyslogSender
from heliosphere.mta.rules.clients.block_lists import log_line, verdict_of_rule
from heliosphere.mta.rules.syslog_targets import (
    FACILITIES,
    LEVELS,
    SyslogTarget,
    parse_rblsyslog,
    parse_sysfacility,
    syslog_message,
)


@pytest.mark.guide("MAIL-LOG-003", "MAIL-LOG-004", "MAIL-LOG-005")
def test_every_name_of_syslog_is_understood():
    for facility, level in product(FACILITIES, LEVELS):
        target, is_good = parse_rblsyslog(f" {facility.upper()}.{level} ")
        assert is_good
        number = SysLogHandler.facility_names[facility] * 8 + SysLogHandler.priority_names[level]
        assert target.priority == number


@pytest.mark.parametrize("text", ["", "local7", "local9.warn", "local7.loud", "local7 warn", ".", "7.4"])
def test_anything_else_is_mail_notice(text):
    assert parse_rblsyslog(text) == (SyslogTarget("mail", "notice"), False)


@pytest.mark.parametrize(
    ("text", "facility", "is_good"),
    [
        ("LOG_LOCAL3", "local3", True),
        ("log_local7", "local7", True),
        ("LOG_MAIL", "local0", False),
        ("", "local0", False),
    ],
)
def test_the_facility_of_statistics(text, facility, is_good):
    target, good = parse_sysfacility(text)
    assert (target.facility, good) == (facility, is_good)


@given(st.text())
def test_no_text_makes_two_lines(text):
    assert b"\n" not in syslog_message(SyslogTarget("mail", "info"), "x", text)


@pytest.fixture
def daemon(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log"))
        server.settimeout(5)
        yield server


def test_a_line_arrives_with_its_facility_and_level(tmp_path, daemon):
    sender = SyslogSender(str(tmp_path / "log"))
    assert sender.send(SyslogTarget("local7", "warn"), "rblsmtpd", "192.0.2.5 pid 9: 451 listed")
    assert daemon.recv(4096) == b"<188>rblsmtpd: 192.0.2.5 pid 9: 451 listed"
    sender.close()


def test_a_daemon_that_is_away_costs_nothing_and_is_found_again(tmp_path):
    now = [100.0]
    sender = SyslogSender(str(tmp_path / "log"), lambda: now[0])
    target = SyslogTarget("mail", "notice")
    assert not sender.send(target, "x", "one")
    now[0] += 5
    for text in ("two", "three"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(str(tmp_path / "log"))
            server.settimeout(5)
            assert sender.send(target, "x", text)
            assert server.recv(100).endswith(text.encode())
        os.unlink(tmp_path / "log")
    sender.close()


def test_a_daemon_that_does_not_read_never_holds_us_up(tmp_path, daemon):
    sender, target = SyslogSender(str(tmp_path / "log")), SyslogTarget("mail", "notice")
    started = time.monotonic()
    sent = [sender.send(target, "x", "y" * 900) for _ in range(2000)]
    assert not all(sent)
    assert time.monotonic() - started < 5
    sender.close()


RSYSLOGD = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")


@pytest.mark.integration
@pytest.mark.guide("MAIL-LOG-007", "MAIL-LOG-008")
def test_a_real_syslog_puts_refusals_into_a_file_of_their_own(tmp_path):
    (tmp_path / "conf").write_text(
        f'module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="{tmp_path}/log")\n'
        f"local7.warn {tmp_path}/myrbllog\n"
    )
    daemon = subprocess.Popen([RSYSLOGD, "-n", "-f", str(tmp_path / "conf"), "-i", str(tmp_path / "pid")])
    try:
        wait_for(lambda: (tmp_path / "log").exists())
        sender = SyslogSender(str(tmp_path / "log"))
        target, _ = parse_rblsyslog("local7.warn")
        assert sender.send(target, "rblsmtpd", log_line("192.0.2.5", 900, verdict_of_rule("listed")))
        sender.send(SyslogTarget("local7", "info"), "rblsmtpd", "not worth it")
        sender.send(SyslogTarget("mail", "warn"), "other", "not ours")
        log = tmp_path / "myrbllog"
        wait_for(lambda: log.exists() and log.stat().st_size)
        sender.close()
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(20)
    (line,) = log.read_text().splitlines()
    assert line.endswith("rblsmtpd: 192.0.2.5 pid 900: 451 listed")


def wait_for(condition):
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
