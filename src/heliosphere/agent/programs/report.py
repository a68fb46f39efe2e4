"""What this node says of itself, as JSON: drivers, services with advice, mailbox usage.

Run: heliosphere agent report --config FILE [--usage]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from heliosphere.agent import config as agent_config
from heliosphere.agent.drivers.registry import build_drivers
from heliosphere.agent.services.report_state import mailbox_usage, node_report
from heliosphere.contracts.codec import encode


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="heliosphere agent report", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the agent's JSON configuration file")
    parser.add_argument("--usage", action="store_true", help="one line per mailbox instead")
    options = parser.parse_args(argv)
    try:
        config = agent_config.load(options.config)
    except agent_config.ConfigError as error:
        parser.error(str(error))
    for line in mailbox_usage(config) if options.usage else (node_report(config, build_drivers(config)),):
        print(encode(line))
    return 0
