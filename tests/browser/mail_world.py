"""A mail server with a past: settings, one of them broken, sessions, and questions in every state."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from heliosphere.contracts.jobs import JobEnvelope, JobOutcome
from heliosphere.contracts.mail_server import ExplainSession, FindSessions
from heliosphere.panel.accounts.models import Account
from heliosphere.panel.mail.models import Question
from heliosphere.panel.mail.server import services
from heliosphere.panel.platform.jobs.models import Job
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.servers import services as servers
from heliosphere.panel.servers.models import LogicalServer, ServerKind
from tests.panel.conftest import NOW, SYSTEM, House, WillingNode, run_all_jobs
from tests.panel.mail.nodes import MailNode

NUMBER = "20260301-4ZkQ"
SETTINGS = {
    "badmailfrom": "# complaints of January\n@junk.test\n@casino-letters.test\nwinner@lottery.test\n",
    "badhelo": "*.dialup.test\n[open\n",
    "maxrecipients": "100\n",
    "databytes": "lots\n",
    "relayclients": "192.0.2.25\n",
    "badrcptto": "sales\n",
    "options": "tarpitcount 20\n",
}


class AwayNode(WillingNode):
    """A machine whose mail server cannot be asked."""

    def run(self, envelope: JobEnvelope, report: object, cancelled: object) -> JobOutcome:
        return JobOutcome(
            envelope.job_id,
            envelope.fence,
            "refused",
            code="too_slow",
            message="The mail server did not find the answer in time.",
            advice="Name servers that do not answer take longest: see whether the DNS works, then ask again.",
        )


def build(house: House, account: Account) -> dict[str, object]:
    """What the addresses of the screens name. `account` is the customer who looks at own mail."""
    node = MailNode(Path(tempfile.mkdtemp(prefix="heliosphere-mail-")))
    for name, text in SETTINGS.items():
        node.write(name, text)
    domain = account.mail_domains.get()
    node.tree.add_domain(domain.name, "x")
    node.tree.add_user(f"info@{domain.name}", "x")
    _sessions(node, domain.name)
    server = domain.server
    unread = _unread_server()
    admin = house.admin
    owner = Principal("customer", "owner", house.provider.pk, account.user_id, account.pk)
    services.read_controls(server, actor=admin, now=NOW)
    tried = services.what_if(
        server, {"badmailfrom": "@partner.test", "maxrecipients": None}, actor=admin, now=NOW
    )
    calm = services.what_if(server, {"tarpitcount": "30"}, actor=admin, now=NOW)
    found = services.find_sessions(server.pk, FindSessions(), actor=admin, now=NOW)
    empty = services.find_sessions(server.pk, FindSessions(sender="nobody"), actor=admin, now=NOW)
    session = services.find_sessions(server.pk, FindSessions(number=NUMBER), actor=admin, now=NOW)
    gone = services.find_sessions(server.pk, FindSessions(number="20260301-gone"), actor=admin, now=NOW)
    explained = _explain(server, domain.name, admin)
    own = services.find_sessions(server.pk, FindSessions(), actor=owner, now=NOW)
    own_session = services.find_sessions(server.pk, FindSessions(number=NUMBER), actor=owner, now=NOW)
    _answer(node)
    failed = services.find_sessions(server.pk, FindSessions(ip="9"), actor=admin, now=NOW)
    _answer(AwayNode())
    waiting = services.what_if(server, {"tarpitcount": "31"}, actor=admin, now=NOW)
    node.close()
    return _keys(
        mail_tried=tried, mail_calm=calm, mail_found=found, mail_empty=empty, mail_told=session,
        mail_gone=gone, mail_explained=explained, mail_own=own, mail_own_told=own_session, mail_failed=failed,
        mail_waiting=waiting,
    ) | {"mail_server": server.pk, "mail_unread": unread.pk, "mail_number": NUMBER}  # fmt: skip


def _answer(node: WillingNode) -> None:
    """Let the questions be answered, and no other job of this world: what waits there shall go on waiting."""
    Job.everything.filter(kind="mail_desk.ask", state="queued").update(run_at=NOW - timedelta(hours=1))
    run_all_jobs(node, at=NOW - timedelta(minutes=1))


def _keys(**questions: Question) -> dict[str, object]:
    return {name: question.pk for name, question in questions.items()}


def _unread_server() -> LogicalServer:
    """A second machine whose settings nobody has looked at yet."""
    box = servers.add_physical(name="two", node="far", ip="127.0.0.2", actor=SYSTEM, now=NOW)
    return servers.add_logical(
        name="mail2.sun.test", kind=ServerKind.MAIL, physical=box, signup_on=False, actor=SYSTEM, now=NOW
    )


def _explain(server: LogicalServer, domain: str, admin: Principal) -> Question:
    asked = ExplainSession(
        "192.0.2.7",
        "mx.far.test",
        "winner@lottery.test",
        (f"postmaster@{domain}", "somebody@elsewhere.test"),
        message="Subject: You have won\n\nAlmost.\n",
    )
    return services.explain(server.pk, asked, actor=admin, now=NOW)


REFUSED = "553 5.7.1 no mail from you (#5.7.1)"


def _sessions(node: MailNode, domain: str) -> None:
    for place in range(6):
        node.record(
            id=f"20260301-{place}",
            at=f"2026-03-01T11:{40 + place}:00Z",
            sender=["", "news@partner.test", "anna@friends.test"][place % 3],
            ip=f"198.51.100.{place}",
            host=["unknown", "mx.partner.test", "a-very-long-name-of-a-client.pool.provider.test"][place % 3],
            recipients=[{"to": f"info@{domain}", "reply": "250", "why": ""}],
        )
    node.record(
        id=NUMBER,
        recipients=[
            {"to": f"info@{domain}", "reply": REFUSED, "why": "the sender is listed"},
            {"to": "bob@elsewhere.test", "reply": "250", "why": ""},
        ],
        trace=[
            ["CONNECT", "tcp.smtp", "passed", ""],
            ["CONNECT", "rblhosts", "off", ""],
            ["MAIL", "spfbehavior", "remark", "eve@junk.test", "SPF softfail for 192.0.2.7"],
            ["RCPT", "rcpthosts", "passed", f"info@{domain}"],
            ["RCPT", "badmailfrom", "refused", f"info@{domain}", "the sender is listed", "badmailfrom", 2,
             "@junk.test"],
            ["RCPT", "badmailfrom", "exempt", "bob@elsewhere.test"],
            ["DATA", "content", "passed", ""],
        ],
    )  # fmt: skip
