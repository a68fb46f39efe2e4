"""Say what compiled rules do with a client: TCPREMOTEIP (TCPREMOTEHOST, TCPREMOTEINFO) in the environment."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from heliosphere.mta.adapters.files.cdb_files import Cdb
from heliosphere.mta.rules.clients.tcp_rules import TcpRule, find_rule, rule_from_data
from heliosphere.mta.rules.errors import TryLater

TROUBLE = 111


def main(argv: list[str]) -> int:
    """Without TCPREMOTEIP the default rule is shown, as by the original."""
    parser = argparse.ArgumentParser(prog="tcprulescheck", description=__doc__)
    parser.add_argument("cdb", type=Path)
    wanted = parser.parse_args(argv)
    try:
        rules = Cdb(wanted.cdb.read_bytes(), str(wanted.cdb))
    except (OSError, TryLater) as trouble:
        print(f"tcprulescheck: {trouble}", file=sys.stderr)
        return TROUBLE
    ip, host, info = (os.environ.get(f"TCPREMOTE{name}", "") for name in ("IP", "HOST", "INFO"))
    try:
        rule = find_rule(rules.get, ip, host, info) if ip else _default_rule(rules)
    except ValueError:
        print(f"tcprulescheck: {ip} is not an IP address", file=sys.stderr)
        return TROUBLE
    print("\n".join(verdict_lines(rule)))
    return 0


def _default_rule(rules: Cdb) -> TcpRule | None:
    data = rules.get(b"")
    return rule_from_data("", data) if data is not None else None


def verdict_lines(rule: TcpRule | None) -> list[str]:
    if rule is None:
        return ["default:", "allow connection"]
    if not rule.is_allowed:
        return [f"rule {rule.key}:", "deny connection"]
    changes = [f"set environment variable {name}={value}" for name, value in rule.environment.items()]
    return [f"rule {rule.key}:", *changes, "allow connection"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
