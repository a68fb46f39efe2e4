"""The traffic log: what is written of received messages, for statistics and accounting."""

import re
from datetime import UTC, datetime

import pytest

from heliosphere.mta.rules.addresses import parse_address
from heliosphere.mta.rules.findings import Finding
from heliosphere.mta.rules.traffic import TrafficEntry, counted_sender, line_of, status_of
from tests.mta.support import SECRET
from tests.mta.test_serve import engine, until

NOW = datetime(2005, 6, 20, 15, 20, 14, tzinfo=UTC)


def test_a_line_looks_as_it_always_did():
    entry = TrafficEntry("in", "joe@far.test", "bob@example.test", 2048, "success")
    assert line_of(entry, NOW, "mx1", 4711) == (
        "Jun 20 15:20:14 mx1 in[4711]: 1119280814|joe@far.test|bob@example.test|2048|success|1"
    )


def test_nothing_in_an_address_can_forge_a_field():
    text = TrafficEntry("in", "a|b\n@far.test", "c@d.test", 1, "success").text(NOW)
    assert text.count("|") == 5
    assert "\n" not in text


@pytest.mark.parametrize(
    ("condition", "word"),
    [("Virus_Infected", "rejclam"), ("Bad_MIME", "rejclam"), ("Bad_Loader", "rejclam"),
     ("Spam_Message", "rejspam"), ("Invalid_Size", "bytestooverflow"), ("Many_Hops", "manyhops"),
     ("Timeout", "timeout"), ("Not_Stored", None)],
)  # fmt: skip
def test_words_for_how_it_ended(condition, word):
    assert status_of(Finding(None, "", condition)) == word
    assert status_of(None) == "success"


@pytest.mark.guide("MAIL-AUTH-006", "MAIL-AUTH-007")
def test_with_authsender_two_the_login_counts():
    sender = parse_address("news@far.test")
    assert counted_sender(sender, "alice@one.test", 2) == "alice@one.test"
    assert counted_sender(sender, "alice@one.test", 1) == "news@far.test"
    assert counted_sender(sender, None, 2) == "news@far.test"


@pytest.mark.integration
@pytest.mark.guide("MAIL-AUTH-004", "MAIL-AUTH-005", "MAIL-AUTH-007", "MAIL-LOG-009")
def test_the_running_engine_writes_it(tree, tmp_path):
    log = tree.root / "qmail" / "log" / "stats"
    with engine(tree.root, "--workers", "1", "--no-send", log=tmp_path / "mta.log") as served:
        with served.smtp("submission") as client:
            client.login("alice@one.test", SECRET)
            client.sendmail("news@far.test", ["bob@one.test", "carol@two.test"], "Subject: x\n\ny\n")
        until(lambda: log.exists() and log.read_text().count("\n") == 2)
    lines = log.read_text().splitlines()
    head = r"[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d mx\.one\.test in\[\d+\]: \d+"
    pattern = head + r"\|alice@one\.test\|%s\|14\|success\|1"
    assert re.fullmatch(pattern % r"bob@one\.test", lines[0])
    assert re.fullmatch(pattern % r"carol@two\.test", lines[1])
