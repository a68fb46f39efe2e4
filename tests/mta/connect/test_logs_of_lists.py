"""What DNS lists refuse goes to a log of its own, as the control rblsyslog says."""

import socket
from types import SimpleNamespace

import pytest

from heliosphere.mta.adapters.logs.syslog_sender import SyslogSender
from heliosphere.mta.adapters.network.smtp_listener import SmtpService
from heliosphere.mta.rules.replies import Reply
from heliosphere.mta.rules.syslog_targets import parse_rblsyslog, parse_sysfacility


class Lines:
    def __init__(self):
        self.seen = []

    def line(self, text):
        self.seen.append(text)


@pytest.mark.guide("MAIL-LOG-002", "MAIL-LOG-006")
def test_a_refusal_is_sent_to_the_facility_and_level_of_rblsyslog(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        service = SimpleNamespace(log=Lines(), syslog=SyslogSender(str(tmp_path / "log")))
        target, is_good = parse_rblsyslog("local7.warn\n")
        assert is_good
        SmtpService.log_listed(service, target, "192.0.2.5", Reply(451, "4.7.1", "listed, see bl.test"))
        message = daemon.recv(1000).decode()
        service.syslog.close()
    # local7 is 23, warning is 4 (RFC 3164, 4.1.1)
    assert message.startswith(f"<{23 * 8 + 4}>rblsmtpd: 192.0.2.5 pid ")
    assert message.endswith(": 451 listed, see bl.test")
    (line,) = service.log.seen
    assert line.startswith("rblsmtpd: 192.0.2.5 pid ")


@pytest.mark.guide("MAIL-LOG-010")
@pytest.mark.parametrize("number", range(8))
def test_the_traffic_log_has_one_of_eight_facilities(number):
    target, is_good = parse_sysfacility(f"LOG_LOCAL{number}")
    assert (is_good, target.facility) == (True, f"local{number}")
    assert parse_sysfacility(f"LOG_LOCAL{number + 8}")[1] is False
