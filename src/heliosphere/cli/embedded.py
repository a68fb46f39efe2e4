"""The one-machine worker: the panel's job loop and the agent's executor in one process.

The only place where panel and agent meet in code; in a cluster they meet over the broker.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path


def main(argv: list[str]) -> int:
    """The agent's configuration lies beside the panel's, which HELIOSPHERE_CONFIG names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from heliosphere.agent.services.build import build_executor
    from heliosphere.panel.programs import worker

    config = Path(os.environ["HELIOSPHERE_CONFIG"]).with_name("agent.json")
    executor = build_executor(config)
    logging.getLogger("heliosphere.worker").info(
        "worker.started node=%s", json.loads(config.read_text())["node"]
    )
    try:
        return worker.main(argv, executor=executor)
    finally:
        executor.close()
