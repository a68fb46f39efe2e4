"""mail-ssl-proto: set the TLS versions the mail service offers, and start it anew if told so."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from heliosphere.contracts.controls.words import TLS_OFFERED
from heliosphere.mta.adapters.files.atomic_files import write_atomic
from heliosphere.mta.adapters.files.pid_file import ask_restart, pid_path
from heliosphere.mta.rules.clients.tls_protocols import TlsProtocols, parse_tls_protocols

REFUSED = 1
TROUBLE = 111


def main(argv: list[str]) -> int:
    """Exit 0 when stored, 1 when the list names nothing that can be offered, 111 for trouble."""
    parser = argparse.ArgumentParser(prog="mail-ssl-proto", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="directory that holds qmail/ and vpopmail/")
    parser.add_argument("-r", dest="restart", action="store_true", help="start the mail service anew")
    parser.add_argument(
        "-t", dest="protocols", default=",".join(TLS_OFFERED), metavar="LIST",
        help="versions with commas between; without it %(default)s",
    )  # fmt: skip
    wanted = parser.parse_args(argv)
    protocols = parse_tls_protocols(wanted.protocols)
    for line in protocols.explanations():
        print(f"mail-ssl-proto: {line}", file=sys.stderr)
    if protocols.unknown or not protocols.usable:
        print(f"mail-ssl-proto: nothing is changed; use -t {','.join(TLS_OFFERED)}", file=sys.stderr)
        return REFUSED
    try:
        return _store(wanted.root, protocols, restart=wanted.restart)
    except OSError as trouble:
        print(f"mail-ssl-proto: {trouble}", file=sys.stderr)
        return TROUBLE


def _store(root: Path, protocols: TlsProtocols, *, restart: bool) -> int:
    path = root / "qmail" / "control" / "tlsprotocols"
    write_atomic(path, (",".join(protocols.words) + "\n").encode(), None if path.exists() else 0o644)
    print(f"offered: {', '.join(protocols.usable)}")
    if restart:
        pid = ask_restart(pid_path(root))
        print(f"mail service {pid} starts anew" if pid else "no mail service runs on this tree")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
