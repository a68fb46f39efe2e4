"""The agent of a node as it is, killed at the checkpoint that HELIOSPHERE_TEST_KILL names."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from heliosphere.agent import config as agent_config
from heliosphere.agent.drivers.registry import build_drivers
from heliosphere.agent.programs import celery_node
from heliosphere.agent.services.take_jobs import Executor


def build(config_file: Path) -> Executor:
    def die(name: str) -> None:
        if name == os.environ["HELIOSPHERE_TEST_KILL"]:
            os.kill(os.getpid(), signal.SIGKILL)

    config = agent_config.load(config_file)
    executor = Executor(build_drivers(config), node=config.node, state_dir=config.state_dir, checkpoint=die)
    executor.recover()
    return executor


if __name__ == "__main__":
    if "HELIOSPHERE_TEST_KILL" in os.environ:
        celery_node.build_executor = build
    sys.exit(celery_node.main())
