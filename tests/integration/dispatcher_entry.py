"""The dispatcher as it is, with a shorter lease, or killed where an outcome is about to be written."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from typing import Any


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "heliosphere.panel.settings.runtime"
    import django

    django.setup()
    from heliosphere.panel.platform.jobs import queue
    from heliosphere.panel.programs import dispatcher, worker

    if lease := os.environ.get("HELIOSPHERE_TEST_LEASE"):
        queue.LEASE = timedelta(seconds=float(lease))
        worker.RENEW_SECONDS = float(lease) / 8
    if os.environ.get("HELIOSPHERE_TEST_KILL") == "finish":

        def killed(*_: Any, **__: Any) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        queue._log_end = killed  # in the middle of the transaction that ends the job
    return dispatcher.main([])


if __name__ == "__main__":
    sys.exit(main())
