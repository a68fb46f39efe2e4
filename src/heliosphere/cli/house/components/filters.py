"""Spam and virus filters. --no-filters leaves them out: the mail engine takes mail without them too."""

from __future__ import annotations

import shutil

from heliosphere.cli.house import probes
from heliosphere.cli.house.component import Component, House
from heliosphere.cli.house.places import write
from heliosphere.cli.house.ports import LOOPBACK

TEST_SIGNATURE = (
    "Heliosphere.Test.EICAR:0:0:58354f2150254041505b345c505a58353428505e2937434329377d2445494341522d"
    "5354414e444152442d414e544956495255532d544553542d46494c4521\n"
)
"""The EICAR test file from its first byte, so that a house without freshclam has something to find."""

CLAMD_CONFIG = """\
# Written by heliosphere up; changes are overwritten.
Foreground yes
TCPSocket {port}
TCPAddr {address}
DatabaseDirectory {database}
TemporaryDirectory {tmp}
MaxThreads 4
"""


def configure_clamd(house: House) -> None:
    database = house.places.etc / "clamav"
    temporary = house.places.run / "clamd"
    database.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    write(database / "heliosphere.ndb", TEST_SIGNATURE)
    text = CLAMD_CONFIG.format(port=house.port("clamd"), address=LOOPBACK, database=database, tmp=temporary)
    write(house.places.etc / "clamd.conf", text)


def configure_spamd(house: House) -> None:
    (house.places.run / "spamd").mkdir(exist_ok=True)


def _spamd(house: House) -> list[str]:
    home = str(house.places.run / "spamd")
    return [
        shutil.which("spamd", path="/usr/sbin:/usr/bin") or "/usr/sbin/spamd",
        *("--listen", f"{LOOPBACK}:{house.port('spamd')}", "--allowed-ips", LOOPBACK),
        *("--max-children", "2", "--min-children", "1", "--local", "--nouser-config", "--syslog", "stderr"),
        *("--helper-home-dir", home),
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
    argv=_spamd,
    ready=probes.connects("spamd"),
    filters=True,
    memory="about 110 MB each, itself and two children",
)
