"""Spam and virus filters. --no-filters leaves them out: the mail engine takes mail without them too."""

from __future__ import annotations

import shutil

from heliosphere.cli.house import probes
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.mail_controls import control_value
from heliosphere.cli.house.places import write
from heliosphere.cli.house.ports import LOOPBACK
from heliosphere.contracts.controls import content
from heliosphere.mta.rules.content.daemon_configs import merged_clamd_config

TEST_SIGNATURE = (
    "Heliosphere.Test.EICAR:0:0:58354f2150254041505b345c505a58353428505e2937434329377d2445494341522d"
    "5354414e444152442d414e544956495255532d544553542d46494c4521\n"
)
"""The EICAR test file from its first byte, so that a house without freshclam has something to find."""

CLAMD_HEADING = "# The first lines are written by heliosphere up; everything below them is yours."

PLUGINS = """\
# Written by heliosphere up; changes are overwritten. Plugins of your own: network-tests.inc, or another .pre
# file. Bayesian rules, Razor2, DCC and Pyzor are not part of the product.
loadplugin Mail::SpamAssassin::Plugin::Check
loadplugin Mail::SpamAssassin::Plugin::AskDNS
loadplugin Mail::SpamAssassin::Plugin::BodyEval
loadplugin Mail::SpamAssassin::Plugin::DKIM
loadplugin Mail::SpamAssassin::Plugin::DNSEval
loadplugin Mail::SpamAssassin::Plugin::FreeMail
loadplugin Mail::SpamAssassin::Plugin::HTMLEval
loadplugin Mail::SpamAssassin::Plugin::HTTPSMismatch
loadplugin Mail::SpamAssassin::Plugin::HeaderEval
loadplugin Mail::SpamAssassin::Plugin::ImageInfo
loadplugin Mail::SpamAssassin::Plugin::MIMEEval
loadplugin Mail::SpamAssassin::Plugin::MIMEHeader
loadplugin Mail::SpamAssassin::Plugin::RelayEval
loadplugin Mail::SpamAssassin::Plugin::ReplaceTags
loadplugin Mail::SpamAssassin::Plugin::SPF
loadplugin Mail::SpamAssassin::Plugin::URIDNSBL
loadplugin Mail::SpamAssassin::Plugin::URIDetail
loadplugin Mail::SpamAssassin::Plugin::URIEval
loadplugin Mail::SpamAssassin::Plugin::VBounce
loadplugin Mail::SpamAssassin::Plugin::WLBLEval
loadplugin Mail::SpamAssassin::Plugin::WelcomeListSubject
"""

LOCAL_RULES = """\
# SpamAssassin's main file. Written once by heliosphere up, yours from then on; see
# Mail::SpamAssassin::Conf(3). Restart to put changes into force.
use_bayes 0
ifplugin Mail::SpamAssassin::Plugin::Razor2
use_razor2 0
endif
ifplugin Mail::SpamAssassin::Plugin::DCC
use_dcc 0
endif
ifplugin Mail::SpamAssassin::Plugin::Pyzor
use_pyzor 0
endif
include network-tests.inc
"""

NETWORK_RULES = """\
# Plugins and options of your own, and tests that use the network: rules with "tflags NAME net" run only while
# the mail control sanetcheck is 1. Written once by heliosphere up, yours from then on.
"""


def clamd_options(house: House) -> dict[str, str]:
    """What the house relies on; TCPSocket and TCPAddr are where the mail engine looks for clamd."""
    return {
        "Foreground": "yes",
        "TCPSocket": str(house.port("clamd")),
        "TCPAddr": LOOPBACK,
        "DatabaseDirectory": str(house.places.etc / "clamav"),
        "TemporaryDirectory": str(house.places.run / "clamd"),
    }


def configure_clamd(house: House) -> None:
    database = house.places.etc / "clamav"
    database.mkdir(exist_ok=True)
    (house.places.run / "clamd").mkdir(exist_ok=True)
    write(database / "heliosphere.ndb", TEST_SIGNATURE)
    path = house.places.etc / "clamd.conf"
    found = path.read_text() if path.exists() else "MaxThreads 4\nStreamMaxLength 100M\n"
    write(path, merged_clamd_config(found, clamd_options(house), CLAMD_HEADING))


def configure_spamd(house: House) -> None:
    (house.places.run / "spamd").mkdir(exist_ok=True)
    rules = house.places.etc / "spamassassin"
    rules.mkdir(exist_ok=True)
    write(rules / "heliosphere.pre", PLUGINS)
    for name, text in {"local.cf": LOCAL_RULES, "network-tests.inc": NETWORK_RULES}.items():
        if not (rules / name).exists():
            write(rules / name, text)


def spamd_argv(house: House) -> list[str]:
    """Of the controls: sanetcheck 0 means local tests only, spamdchildren how many work at most."""
    home = str(house.places.run / "spamd")
    children = control_value(house, content.SPAMDCHILDREN)
    network = control_value(house, content.SANETCHECK)
    return [
        shutil.which("spamd", path="/usr/sbin:/usr/bin") or "/usr/sbin/spamd",
        *("--listen", f"{LOOPBACK}:{house.port('spamd')}", "--allowed-ips", LOOPBACK),
        *("--max-children", str(children), "--min-children", "1", "--max-spare", "1"),
        *(() if network else ("--local",)),
        *("--siteconfigpath", str(house.places.etc / "spamassassin"), "--nouser-config"),
        *("--syslog", "stderr", "--helper-home-dir", home),
    ]


CLAMD = Component(
    name="clamd",
    what_for="virus filter",
    packages=("clamav-daemon",),
    programs=("clamd",),
    ports=("clamd",),
    configure=configure_clamd,
    argv=lambda house: ["/usr/sbin/clamd", "--config-file", str(house.places.etc / "clamd.conf")],
    ready=probes.connects("clamd"),
    filters=True,
    memory="about 20 MB with our own small signature file",
)

SPAMD = Component(
    name="spamd",
    what_for="spam filter",
    packages=("spamd", "spamassassin"),
    programs=("spamd",),
    ports=("spamd",),
    configure=configure_spamd,
    argv=spamd_argv,
    ready=probes.connects("spamd"),
    filters=True,
    memory="about 110 MB each, itself and two children; more children only under load (spamdchildren)",
)
