"""Dovecot: IMAP and ManageSieve over the mailboxes of our mail engine. Configuration by the mail engine."""

from __future__ import annotations

from pathlib import Path

from heliosphere.cli.house import probes
from heliosphere.cli.house.component import Component, House

LUA = "/usr/lib/dovecot/modules/auth/libauthdb_lua.so"
"""Lets Dovecot ask our password store."""

DOVECOT = Component(
    name="dovecot",
    what_for="IMAP and ManageSieve",
    packages=("dovecot-imapd", "dovecot-auth-lua", "dovecot-sieve", "dovecot-managesieved"),
    programs=("dovecot", "/usr/lib/dovecot/imap", LUA, "/usr/lib/dovecot/managesieve"),
    modules=("heliosphere.mta.dovecot.config",),
    ports=("imap", "imaps", "sieve"),
    needs=("prepare",),
    argv=lambda house: ["/usr/sbin/dovecot", "-F", "-c", str(config_file(house))],
    ready=probes.greets("imap", b"* OK"),
    memory="about 35 MB",
)


def config_file(house: House) -> Path:
    return house.places.etc / "dovecot" / "dovecot.conf"
