"""The Debian packages the house uses, with why; derived from the components.

python3 -m heliosphere.cli.house.packages [--missing] [--cluster] [--filters] [--test]
Runs on the system's Python before any other package is there. Prints "package<TAB>why" lines.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterable

from heliosphere.cli.house.components.registry import ALL

TEST_ONLY = {
    "chromium": "browser tests",
    "libatomic1": "the driver of the browser tests",
    "tinycdb": "checks our cdb files with another program",
    "ucspi-tcp": "checks rules for clients and DNS lists with the originals",
    "rsyslog": "gets what is sent to syslog",
    "openssl": "certificates for the tests of TLS",
    **dict.fromkeys(
        ("swaks", "libnet-ssleay-perl", "msmtp", "node-nodemailer", "nodejs"),
        "mail clients that must get on with us",
    ),
    # Postfix, Exim and OpenSMTPD exclude each other as packages: tests unpack them (bench/mail_peers.py).
    **dict.fromkeys(
        (
            "libicu72",
            "libdb5.3",
            "libsasl2-2",
            "libsasl2-modules",
            "libevent-2.1-7",
            "libgnutls-dane0",
            "libidn12",
            "libnsl2",
            "libpam0g",
            "libpcre2-8-0",
        ),
        "libraries of the mail servers that must get on with us",
    ),
}


def wanted_packages(*, cluster: bool = False, filters: bool = False, test: bool = False) -> dict[str, str]:
    """Package to what it is for, in the order of the components."""
    wanted: dict[str, str] = {}
    for component in ALL:
        if component.form == "cluster" and not (cluster or test):
            continue
        if component.filters and not filters:
            continue
        for package in component.packages:
            wanted.setdefault(package, component.packages_for or component.what_for)
    return wanted | TEST_ONLY if test else wanted


def missing_packages(names: Iterable[str]) -> list[str]:
    """Those that are not installed; all of them where there is no dpkg."""
    names = list(names)
    if shutil.which("dpkg-query") is None:
        return names
    done = subprocess.run(  # noqa: S603
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="packages", description=__doc__)
    parser.add_argument("--missing", action="store_true", help="only those not installed")
    parser.add_argument("--cluster", action="store_true", help="with those of the cluster form")
    parser.add_argument("--filters", action="store_true", help="with the spam and virus filters")
    parser.add_argument("--test", action="store_true", help="with those only tests need")
    options = parser.parse_args(argv)
    wanted = wanted_packages(cluster=options.cluster, filters=options.filters, test=options.test)
    names = missing_packages(wanted) if options.missing else list(wanted)
    for name in names:
        print(f"{name}\t{wanted[name]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
