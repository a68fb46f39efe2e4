"""Put an executor together from the configuration file: the one entry for every program that runs jobs."""

from __future__ import annotations

from pathlib import Path

from heliosphere.agent import config as agent_config
from heliosphere.agent.drivers.registry import build_drivers
from heliosphere.agent.services.take_jobs import Executor


def build_executor(config_file: Path) -> Executor:
    """Ready to run jobs, interrupted changes settled. Raises agent.config.ConfigError."""
    config = agent_config.load(config_file)
    executor = Executor(build_drivers(config), node=config.node, state_dir=config.state_dir)
    executor.recover()
    return executor
