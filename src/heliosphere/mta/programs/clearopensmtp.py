"""Close what POP before SMTP opened and whose time is over. Run it from cron, every 40 minutes or so."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from heliosphere.contracts.controls import common
from heliosphere.mta.adapters.files.control_files import ControlFiles
from heliosphere.mta.adapters.files.relay_files import RelayFiles
from heliosphere.mta.programs.child import wall_clock
from heliosphere.mta.rules.clients.tcp_rules import TcpRuleProblem
from heliosphere.mta.rules.errors import TryLater

FAILED = 255


def main(argv: list[str]) -> int:
    """Exit 0 when clean, 255 with a line on stderr when files cannot be read or written."""
    parser = argparse.ArgumentParser(prog="clearopensmtp", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="directory that holds qmail/ and vpopmail/")
    root = parser.parse_args(argv).root
    try:
        minutes = ControlFiles(root / "qmail" / "control").snapshot()[common.OPENSMTPTIMEOUT]
        relay = RelayFiles(root, wall_clock, _tell)
        dropped = relay.clear_expired(int(wall_clock().timestamp()), minutes)
    except (OSError, TryLater) as trouble:
        print(f"clearopensmtp: {trouble}", file=sys.stderr)
        return FAILED
    if dropped:
        print(f"{dropped} addresses closed")
    return 0


def _tell(problem: TcpRuleProblem) -> None:
    print(f"clearopensmtp: tcp.smtp {problem}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
