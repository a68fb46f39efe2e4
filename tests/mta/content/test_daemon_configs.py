"""Configuration of clamd and SpamAssassin: what the house writes, and what is said about changes."""

import subprocess
import threading

import dnslib
import pytest
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from heliosphere.cli.house.components import filters
from heliosphere.contracts.controls import REGISTRY
from heliosphere.mta.adapters.filters.clamd import Clamd
from heliosphere.mta.adapters.filters.spamd import Spamd
from heliosphere.mta.rules.content.daemon_configs import (
    check_clamd_config,
    check_spamassassin_config,
    merged_clamd_config,
)
from heliosphere.mta.rules.content.results import Infected, SpamScore
from tests.cli.fakes import house_at
from tests.mta.content import daemons
from tests.mta.content.samples import HEADER, LETTER, SPAM, VIRUS
from tests.mta.support import free_port

OURS = {"TCPSocket": "13310", "TCPAddr": "127.0.0.1"}
GOOD = "# clamd\nTCPSocket 13310\nTCPAddr 127.0.0.1\nMaxThreads 4\n"


def options(warnings):
    return [(one.line, one.option) for one in warnings]


# clamd.conf


@pytest.mark.guide("MAIL-AV-019")
def test_options_of_the_manual_are_accepted_and_others_named():
    asked = subprocess.run(["clamconf", "-g", "clamd.conf"], stdout=subprocess.PIPE, text=True, check=True)
    manual = asked.stdout
    lines = [line.lstrip("#") for line in manual.splitlines() if line[:2].strip("#").isupper()]
    text = "\n".join(line for line in lines if not line.startswith(("LocalSocket ", "TCP", "Example")))
    assert len(lines) > 100
    assert check_clamd_config(f"{GOOD}{text}", OURS) == ()
    assert options(check_clamd_config(f"{GOOD}MaxTreads 5\n", OURS)) == [(5, "MaxTreads")]


@pytest.mark.guide("MAIL-AV-020")
def test_the_example_line_is_reported():
    assert options(check_clamd_config(f"Example\n{GOOD}", OURS)) == [(1, "Example")]
    assert check_clamd_config(f"#Example\n{GOOD}", OURS) == ()


@pytest.mark.guide("MAIL-AV-021")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GOOD.replace("13310", "3310"), [(2, "TCPSocket")]),
        (GOOD + "LocalSocket /run/clamd.sock\n", [(5, "LocalSocket")]),
        (GOOD.replace("TCPSocket 13310\n", ""), [(0, "TCPSocket")]),
        (GOOD.replace("127.0.0.1", "0.0.0.0"), [(3, "TCPAddr")]),
        (GOOD, []),
    ],
)
def test_a_changed_socket_is_reported(text, found):
    assert options(check_clamd_config(text, OURS)) == found


def test_a_smaller_stream_than_the_largest_message_is_reported():
    text = GOOD + "StreamMaxLength 10M\n"
    assert options(check_clamd_config(text, OURS, 50_000_000)) == [(5, "StreamMaxLength")]
    assert check_clamd_config(text, OURS, 10_000_000) == ()
    assert check_clamd_config(text, OURS) == ()


def test_merging_keeps_what_is_the_operators_and_can_be_repeated():
    once = merged_clamd_config("Example\n# mine\nTCPSocket 1\nLogTime yes\n", OURS, "# ours")
    assert once == "# ours\nTCPSocket 13310\nTCPAddr 127.0.0.1\n# mine\nLogTime yes\n"
    assert merged_clamd_config(once, OURS, "# ours") == once


@pytest.mark.integration
@pytest.mark.guide("MAIL-AV-018")
async def test_clamd_runs_with_the_written_file_and_the_operators_lines_in_it(tmp_path):
    house = house_at(tmp_path, base_port=free_port() - 3310)
    filters.configure_clamd(house)
    config = house.places.etc / "clamd.conf"
    config.write_text(f"Example\n{config.read_text()}LogFile {tmp_path}/mine.log\nUser {tmp_path.owner()}\n")
    filters.configure_clamd(house)
    assert check_clamd_config(config.read_text(), filters.clamd_options(house)) == ()
    with daemons.running(filters.CLAMD.argv(house), house.address("clamd"), tmp_path / "log"):
        assert isinstance(await Clamd(house.address("clamd")).scan([VIRUS]), Infected)
    assert "clamd daemon" in (tmp_path / "mine.log").read_text()


# SpamAssassin


@pytest.mark.guide("MAIL-AV-023", "MAIL-AV-024", "MAIL-AV-025", "MAIL-AV-026")
def test_the_shipped_files_use_no_module_that_is_not_shipped():
    for text in (filters.PLUGINS, filters.LOCAL_RULES, filters.NETWORK_RULES):
        assert check_spamassassin_config(text) == ()
    for option in ("use_bayes 0", "use_razor2 0", "use_dcc 0", "use_pyzor 0"):
        assert f"{option}\n" in filters.LOCAL_RULES


@pytest.mark.guide("MAIL-AV-027")
@pytest.mark.parametrize(
    "line",
    ["use_bayes 1", "bayes_auto_learn 1", "use_razor2 1", "razor_config /etc/razor", "use_dcc 1",
     "dcc_path /x", "use_pyzor 1", "pyzor_timeout 5", "loadplugin Mail::SpamAssassin::Plugin::Razor2",
     "loadplugin Mail::SpamAssassin::Plugin::DCC", "loadplugin Mail::SpamAssassin::Plugin::Pyzor # why not",
     "loadplugin Mail::SpamAssassin::Plugin::Bayes"],
)  # fmt: skip
def test_options_of_modules_that_are_not_shipped_are_reported(line):
    found = check_spamassassin_config(f"required_score 5\n{line}\n")
    assert options(found) == [(2, line.split()[0])]


@pytest.mark.parametrize("line", ["use_bayes 0", "# use_razor2 1", "score BAYES_99 3", "use_dcc", "dccp 1"])
def test_other_lines_are_not(line):
    assert check_spamassassin_config(line) == ()


# The controls of spamd


def control(house, name, value):
    path = house.places.mail / "qmail/control" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value)


def after(argv, option):
    return argv[argv.index(option) + 1]


@pytest.mark.guide("MAIL-AV-043", "MAIL-AV-044")
@pytest.mark.parametrize(("value", "local"), [(None, True), ("0\n", True), ("1\n", False), ("yes\n", True)])
def test_sanetcheck_switches_network_tests(tmp_path, value, local):
    house = house_at(tmp_path)
    if value is not None:
        control(house, "sanetcheck", value)
    assert ("--local" in filters.spamd_argv(house)) is local


def test_the_options_file_counts_where_the_control_has_no_file_of_its_own(tmp_path):
    house = house_at(tmp_path)
    control(house, "options", "sanetcheck 1\nspamdchildren = 3\n")
    assert "--local" not in filters.spamd_argv(house)
    assert after(filters.spamd_argv(house), "--max-children") == "3"
    control(house, "spamdchildren", "4\n")
    assert after(filters.spamd_argv(house), "--max-children") == "4"


@pytest.mark.guide("MAIL-AV-058", "MAIL-AV-059")
@pytest.mark.parametrize(
    ("value", "children"),
    [(None, "10"), ("4\n", "4"), ("0\n", "10"), ("many\n", "10"), ("9999\n", "500"), ("20x\n", "20")],
)
def test_spamdchildren_is_the_number_of_processes(tmp_path, value, children):
    house = house_at(tmp_path)
    if value is not None:
        control(house, "spamdchildren", value)
    assert after(filters.spamd_argv(house), "--max-children") == children


@pytest.mark.guide("MAIL-AV-048", "MAIL-AV-060")
def test_their_explanations_tell_what_to_know_before():
    network, children = REGISTRY.get("sanetcheck"), REGISTRY.get("spamdchildren")
    assert network is not None
    assert children is not None
    assert "network" in network.caution
    assert "more for busy servers" in children.summary


@pytest.mark.guide("MAIL-AV-050")
def test_the_main_file_includes_the_one_for_network_tests(tmp_path):
    house = house_at(tmp_path)
    filters.configure_spamd(house)
    rules = house.places.etc / "spamassassin"
    lines = (rules / "local.cf").read_text().splitlines()
    (included,) = [line for line in lines if line.startswith("include ")]
    assert (rules / included.split()[1]).is_file()


def test_files_of_the_operator_are_not_overwritten(tmp_path):
    house = house_at(tmp_path)
    filters.configure_spamd(house)
    for name in ("local.cf", "network-tests.inc"):
        (house.places.etc / "spamassassin" / name).write_text("# mine\n")
    filters.configure_spamd(house)
    assert {
        (house.places.etc / "spamassassin" / name).read_text() for name in ("local.cf", "network-tests.inc")
    } == {"# mine\n"}


class Questions(BaseResolver):
    """A name server that lists shop.bad-advert.com at list.test, and keeps what it is asked."""

    def __init__(self):
        self.seen = set()

    def resolve(self, request, handler):
        name = str(request.q.qname).rstrip(".")
        self.seen.add(name)
        reply = request.reply()
        if name == "bad-advert.com.list.test" and request.q.qtype == dnslib.QTYPE.A:
            reply.add_answer(dnslib.RR(name, rdata=dnslib.A("127.0.0.2")))
        else:
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
        return reply


@pytest.fixture
def questions():
    resolver = Questions()
    server = DNSServer(resolver, address="127.0.0.1", port=free_port(), logger=DNSLogger("error"))
    resolver.port = server.server.server_address[1]
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield resolver
    server.server.shutdown()
    thread.join(5)
    server.server.server_close()


ADVERT = HEADER + b"\nbuy at http://shop.bad-advert.com/ now\n"
EXTRA = """\
loadplugin OurPlugin our_plugin.pm
body OUR_RULE eval:always()
score OUR_RULE 0.1
urirhssub URIBL_OURS list.test. A 2
body URIBL_OURS eval:check_uridnsbl('URIBL_OURS')
tflags URIBL_OURS net
score URIBL_OURS 30
"""
PLUGIN = """\
package OurPlugin;
use Mail::SpamAssassin::Plugin;
our @ISA = qw(Mail::SpamAssassin::Plugin);
sub new {
  my ($class, $main) = @_;
  my $self = bless($class->SUPER::new($main), $class);
  $self->register_eval_rule("always");
  return $self;
}
sub always { return 1; }
1;
"""


@pytest.mark.integration
@pytest.mark.guide("MAIL-AV-022", "MAIL-AV-045", "MAIL-AV-047", "MAIL-AV-049", "MAIL-AV-051")
@pytest.mark.parametrize("network", [False, True])
async def test_network_tests_of_the_additional_file_run_only_with_sanetcheck(
    tmp_path, open_path, questions, network
):
    house = house_at(open_path, base_port=free_port() - 783)
    control(house, "sanetcheck", str(int(network)))
    filters.configure_spamd(house)
    rules = house.places.etc / "spamassassin"
    with (rules / "local.cf").open("a") as main:
        main.write(f"required_score 6\ndns_available yes\ndns_server 127.0.0.1:{questions.port}\n")
    (rules / "network-tests.inc").write_text(EXTRA)
    (rules / "our_plugin.pm").write_text(PLUGIN)
    with daemons.running(filters.SPAMD.argv(house), house.address("spamd"), tmp_path / "log"):
        client = Spamd(house.address("spamd"))
        advert, spam = await client.check([ADVERT]), await client.check([SPAM])
    assert isinstance(advert, SpamScore), (tmp_path / "log").read_text()[-2000:]
    assert isinstance(spam, SpamScore)
    assert advert.threshold == 6.0
    assert spam.is_spam
    assert "OUR_RULE" in advert.rules
    assert ("URIBL_OURS" in advert.rules) is network
    assert ("bad-advert.com.list.test" in questions.seen) is network
    if not network:
        assert questions.seen == set()


@pytest.mark.integration
@pytest.mark.guide("MAIL-AV-058")
async def test_spamd_starts_with_as_few_as_one_child(tmp_path, open_path):
    house = house_at(open_path, base_port=free_port() - 783)
    control(house, "spamdchildren", "1")
    filters.configure_spamd(house)
    with daemons.running(filters.SPAMD.argv(house), house.address("spamd"), tmp_path / "log") as daemon:
        found = await Spamd(house.address("spamd")).check([LETTER])
        assert isinstance(found, SpamScore)
        assert children_of(daemon.process.pid) == 1


def children_of(pid):
    listed = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], stdout=subprocess.PIPE, check=True)
    return len(listed.stdout.split())
