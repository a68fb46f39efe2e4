# mypy: allow-untyped-calls
"""Which jobs the panel takes back: heard on a queue of their own, kept as files, asked before a job begins.

A queue of their own, because a cancel must get past the jobs that wait before it.
"""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.message import Message
from kombu.mixins import ConsumerMixin

from heliosphere.agent.config import AgentConfig
from heliosphere.contracts.codec import ContractError
from heliosphere.contracts.jobs import JobCancel, unseal

log = logging.getLogger("heliosphere.agent")


class Cancels:
    """`folder`/<job id>: a file with the try that is taken back; an empty one takes every try back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def asked(self, job_id: int, fence: int) -> bool:
        try:
            text = (self._folder / str(job_id)).read_text().strip()
        except FileNotFoundError:
            return False
        return not text or fence <= int(text)

    def ask(self, cancel: JobCancel) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / str(cancel.job_id)).write_text(str(cancel.fence))

    def forget(self, job_id: int) -> None:
        (self._folder / str(job_id)).unlink(missing_ok=True)


class Listener(ConsumerMixin):
    """Reads the node's queue of cancels, beside the jobs, whatever the broker does in the meantime."""

    def __init__(self, connection: Connection, config: AgentConfig) -> None:
        self.connection = connection
        self._cancels, self._key = Cancels(config.state_dir / "cancel"), config.key()
        name = f"node.{config.node}.cancel"
        self._queue = Queue(name, Exchange(name, type="direct"), routing_key=name)

    def get_consumers(self, consumer: Any, channel: Any) -> list[Any]:
        return [consumer([self._queue], callbacks=[self._hear], accept=["json"])]

    def hear_all_waiting(self) -> None:
        """What was said while the node was away, before the first job is taken. Waits for the broker."""
        with self.create_connection() as connection:
            connection.ensure_connection(self.on_connection_error)
            waiting = self._queue(connection.default_channel)
            waiting.declare()
            while (message := waiting.get()) is not None:
                self._hear(message.payload, message)

    def _hear(self, body: Any, message: Message) -> None:
        try:
            cancel = unseal(body[0][0], self._key)
            if isinstance(cancel, JobCancel):
                self._cancels.ask(cancel)
                log.info("agent.cancel_heard job=%s", cancel.job_id)
        except (ContractError, LookupError, TypeError, AttributeError, json.JSONDecodeError) as error:
            log.warning("agent.cancel_not_ours reason=%r", error)
        message.ack()


def listen(config: AgentConfig) -> None:
    """Hear what waits, then go on listening in a thread of its own until the process ends."""
    listener = Listener(Connection(config.broker), config)
    listener.hear_all_waiting()
    threading.Thread(target=listener.run, name="cancels", daemon=True).start()
