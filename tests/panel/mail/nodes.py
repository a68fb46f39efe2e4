"""A mail server for the panel's tests: the agent's own executor on a real tree, without any listener."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dnslib import RCODE
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from heliosphere.agent import config as agent_config
from heliosphere.agent.drivers.registry import build_drivers
from heliosphere.agent.services.take_jobs import Executor
from heliosphere.contracts.jobs import JobEnvelope, JobOutcome
from heliosphere.mta.store import VpopmailTree
from tests.panel.conftest import WillingNode

RECORD: dict[str, Any] = {
    "id": "20260301-1", "at": "2026-03-01T11:58:00Z", "ip": "192.0.2.7", "host": "mx.far.test",
    "helo": "mx.far.test", "tls": True, "login": "", "submission": False, "class": "unknown", "size": 900,
    "sender": "eve@junk.test",
    "recipients": [
        {"to": "info@anna.sun.test", "reply": "553 5.7.1 no mail from you", "why": "the sender is listed"},
        {"to": "bob@carl.sun.test", "reply": "250", "why": ""},
    ],
    "reply": "250 2.0.0 ok", "why": "",
    "trace": [
        ["CONNECT", "tcp.smtp", "passed", ""],
        ["MAIL", "badmailfrom", "passed", "eve@junk.test"],
        ["RCPT", "rblhosts", "off", "info@anna.sun.test"],
        ["RCPT", "badmailfrom", "refused", "info@anna.sun.test", "the sender is listed", "badmailfrom", 3,
         "@junk.test"],
        ["RCPT", "userchk", "passed", "bob@carl.sun.test"],
        ["DATA", "content", "passed", ""],
    ],
}  # fmt: skip


class NobodyKnows(BaseResolver):  # type: ignore[misc]
    """A DNS server that knows no name, and says so at once."""

    def resolve(self, request: Any, handler: Any) -> Any:
        reply = request.reply()
        reply.header.rcode = RCODE.NXDOMAIN
        return reply


class MailNode(WillingNode):
    """Asks and changes the mail tree below `place`; everything else is done as told."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        self.root = place / "mail"
        self._dns = DNSServer(NobodyKnows(), "127.0.0.1", 0, logger=DNSLogger(logf=lambda text: None))
        self._dns.start_thread()
        file = place / "agent.json"
        host, port = self._dns.server.server_address[:2]
        mail = {"root": str(self.root), "hostname": "mail1.sun.test", "resolver": f"{host}:{port}"}
        state = {"node": "local", "key_file": "none", "state_dir": str(place / "agent"), "mail": mail}
        file.write_text(json.dumps(state))
        config = agent_config.load(file)
        tree = VpopmailTree(self.root)
        tree.ensure_layout("mail1.sun.test")
        self.tree = tree
        self.executor = Executor(build_drivers(config), node="local", state_dir=config.state_dir)

    def run(self, envelope: JobEnvelope, report: Any, cancelled: Any) -> JobOutcome:
        if envelope.kind.startswith(("mail_desk.", "mail_controls.")):
            self.seen.append(envelope)
            return self.executor.run(envelope, report, cancelled)
        return super().run(envelope, report, cancelled)

    def close(self) -> None:
        self.executor.close()
        self._dns.stop()
        self._dns.server.server_close()

    def kinds(self) -> list[str]:
        return [envelope.kind for envelope in self.seen]

    def control(self, name: str) -> str | None:
        path = self.root / "qmail" / "control" / name
        return path.read_text() if path.exists() else None

    def write(self, name: str, text: str) -> None:
        (self.root / "qmail" / "control" / name).write_text(text)

    def record(self, **changes: Any) -> None:
        folder = self.root / "qmail" / "sessions"
        folder.mkdir(exist_ok=True)
        with (folder / "2026-03-01.jsonl").open("a") as file:
            file.write(json.dumps(RECORD | changes) + "\n")
