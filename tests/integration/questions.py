"""What the children of the cluster's question test do."""

from __future__ import annotations

from tests.integration import children as children  # loads Django in the fork server; keep first

# ruff: noqa: I001
from heliosphere.panel.mail.models import MailServerState, Question
from heliosphere.panel.mail.server import services
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.servers.models import LogicalServer
from tests.integration.work import make_house
from tests.panel.conftest import NOW


def ask_for_controls() -> int:
    """The owner's administrator opens the settings of the mail server."""
    house = make_house()
    server = LogicalServer.objects.select_related("physical").get(group__kind="mail")
    return services.read_controls(server, actor=house.admin, now=NOW).pk


def set_controls(question: int) -> int:
    """A change, by who asked."""
    asked = Question.everything.select_related("server__physical").get(pk=question)
    actor = Principal("owner", "admin", asked.provider_id, asked.user_id)
    job = services.change_controls(asked.server, {"maxrecipients": "33"}, actor=actor, now=NOW)
    assert job is not None
    return job.pk


def question_facts(pk: int) -> dict[str, object]:
    row = Question.everything.select_related("job").get(pk=pk)
    state = MailServerState.objects.first()
    return {
        "state": row.state,
        "tries": row.job.attempts,
        "log": list(row.job.log.order_by("pk").values_list("text", flat=True)),
        "answer": row.answer,
        "kept": state.found if state else "",
    }
