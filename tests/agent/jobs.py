"""Envelopes and a process that may be killed at any checkpoint."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from heliosphere.agent.config import AgentConfig
from heliosphere.agent.drivers.registry import build_drivers
from heliosphere.agent.services.take_jobs import Executor
from heliosphere.contracts.jobs import JobEnvelope, JobOutcome


def envelope(kind: str, spec: Any, *, key: str = "thing", job: int = 1, fence: int = 1) -> JobEnvelope:
    return JobEnvelope(job, kind, key, "local", fence, fence, spec, 20)


def run_once(
    config: AgentConfig, job: JobEnvelope, checkpoint: Callable[[str], None] = lambda _: None
) -> JobOutcome:
    """A fresh agent takes one job, as after a start."""
    executor = Executor(
        build_drivers(config), node=config.node, state_dir=config.state_dir, checkpoint=checkpoint
    )
    try:
        executor.recover()
        return executor.run(job, lambda event: None, lambda: False)
    finally:
        executor.close()


def run_and_die(config: AgentConfig, job: JobEnvelope, at: int) -> bool:
    """A child process runs the job and is killed with SIGKILL at checkpoint number `at`.

    False when the job has fewer checkpoints and ended by itself.
    """
    passed = 0

    def die(_: str) -> None:
        nonlocal passed
        if passed == at:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    child = os.fork()
    if child == 0:
        try:
            run_once(config, job, die)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
