"""Reads about mail servers and what somebody asked of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from heliosphere.contracts.codec import ContractError, decode
from heliosphere.contracts.mail_server import ControlsFound
from heliosphere.panel.mail.models import MailDomain
from heliosphere.panel.mail.server.models import MailServerState, Question
from heliosphere.panel.platform.errors import NotYours
from heliosphere.panel.platform.jobs.models import OPEN_STATES, Job
from heliosphere.panel.platform.principal import Principal
from heliosphere.panel.servers.models import LogicalServer, ServerKind


@dataclass(frozen=True, slots=True)
class Reach:
    """Mail servers somebody may ask about sessions, and whose mail they may see there.

    `recipients` None: everybody's. Else `@domain`s; never empty, for then there is nothing to see.
    """

    server: LogicalServer
    recipients: tuple[str, ...] | None


def mail_servers() -> QuerySet[LogicalServer]:
    """Every mail server of the installation, with its machine."""
    rows = LogicalServer.objects.filter(group__kind=ServerKind.MAIL)
    return rows.select_related("physical", "physical__mail_state").order_by("name")


def mail_server(pk: int) -> LogicalServer:
    """Raises NotYours."""
    row = mail_servers().filter(pk=pk).first()
    if row is None:
        raise NotYours()
    return row


def reach(actor: Principal) -> list[Reach]:
    """All servers for staff of the owner; for others those that hold domains of theirs."""
    if actor.role in ("owner", "system"):
        return [Reach(server, None) for server in mail_servers()]
    domains: dict[int, list[str]] = {}
    for name, shown, server_id in _domains(actor):
        domains.setdefault(server_id, []).extend(dict.fromkeys((f"@{name}", f"@{shown}")))
    servers = mail_servers().filter(pk__in=domains)
    return [Reach(server, tuple(domains[server.pk])) for server in servers]


def _domains(actor: Principal) -> list[tuple[str, str, int]]:
    rows = MailDomain.objects.of(actor).only("name", "server_id").order_by("name")
    return [(row.name, str(row), row.server_id) for row in rows]


def reach_of(actor: Principal, server_id: int) -> Reach:
    """What `actor` may ask this server. Raises NotYours."""
    for one in reach(actor):
        if one.server.pk == server_id:
            return one
    raise NotYours()


def question(actor: Principal, pk: int) -> Question:
    """A question of the acting person. Raises NotYours for those of others, colleagues too."""
    row = (
        Question.objects.of(actor)
        .filter(user_id=actor.user_id, pk=pk)
        .select_related("job", "server__physical")
        .first()
    )
    if row is None or actor.user_id is None:
        raise NotYours()
    return row


def state_of(server: LogicalServer) -> MailServerState | None:
    """What is known of the server's settings; None before the first reading."""
    return MailServerState.objects.filter(physical=server.physical).first()


def found_in(state: MailServerState | None) -> ControlsFound | None:
    """The settings as read last; None when there are none this version can read."""
    if state is None or not state.found:
        return None
    try:
        found = decode(state.found)
    except ContractError:
        return None
    return found if isinstance(found, ControlsFound) else None


def change_under_way(server: LogicalServer) -> Job | None:
    """The newest change of the server's settings that has not ended."""
    rows = Job.everything.filter(object_key=controls_key(server), state__in=OPEN_STATES)
    return rows.order_by("-pk").first()


def controls_key(server: LogicalServer) -> str:
    """Changes of one machine's controls happen one after the other."""
    return f"mail-controls:{server.physical.node}"
