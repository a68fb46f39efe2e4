"""API of domains, mailboxes, servers, jobs and tokens."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Router, Status

from heliosphere.panel.accounts import queries as accounts_queries
from heliosphere.panel.accounts import services as accounts
from heliosphere.panel.accounts.models import User
from heliosphere.panel.accounts.scopes import SCOPES
from heliosphere.panel.api import schemas, shapes
from heliosphere.panel.api.auth import acting
from heliosphere.panel.api.paging import Asked, page
from heliosphere.panel.api.problems import COMMON
from heliosphere.panel.dns.models import Zone
from heliosphere.panel.domains.models import Domain
from heliosphere.panel.hosting import queries as hosting
from heliosphere.panel.mail import services as mail
from heliosphere.panel.mail.models import Mailbox, MailDomain
from heliosphere.panel.platform.errors import NotYours, Refused
from heliosphere.panel.platform.jobs import queue
from heliosphere.panel.platform.jobs.models import Job
from heliosphere.panel.platform.models import Event
from heliosphere.panel.servers import services as servers
from heliosphere.panel.servers.models import LogicalServer, PhysicalServer

router = Router()
Key = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/me", response={200: schemas.Me, **COMMON}, tags=["tokens"])
def me(request: HttpRequest) -> Any:
    """Whom this token acts for."""
    actor = request.principal  # type: ignore[attr-defined]
    names = ("role", "label", "provider_id", "account_id")
    return {name: getattr(actor, name) for name in names} | {"scopes": sorted(actor.scopes)}


@router.get("/domains", response={200: schemas.Page[schemas.DomainOut], **COMMON}, tags=["domains"])
def list_domains(request: HttpRequest, asked: Asked) -> Any:
    """Domains. `q` looks in the name."""
    rows = Domain.objects.of(acting(request, "read")).order_by("name")
    return page(rows, asked, lambda row: row, text=("name",))


@router.get("/domains/{key}/zone", response={200: schemas.ZoneOut, **COMMON}, tags=["domains"])
def get_zone(request: HttpRequest, key: Key) -> Any:
    """The DNS zone of a domain. 404 where it has none."""
    rows = Zone.objects.of(acting(request, "read")).select_related("provider").filter(domain_id=key)
    row = rows.first()
    if row is None:
        raise NotYours()
    return shapes.zone(row)


@router.get("/events", response={200: schemas.Page[schemas.EventOut], **COMMON}, tags=["audit"])
def list_events(request: HttpRequest, asked: Asked) -> Any:
    """The audit trail, newest first: who did what, before and after. `q` looks in name and subject."""
    rows = Event.objects.of(acting(request, "read")).order_by("-id")
    return page(rows, asked, shapes.event, text=("name", "subject_label"))


@router.get("/mail-domains", response={200: schemas.Page[schemas.MailDomainOut], **COMMON}, tags=["mail"])
def list_mail_domains(request: HttpRequest, asked: Asked) -> Any:
    """Mail domains. `q` looks in the name, `state` is pending, live or failed."""
    rows = MailDomain.objects.of(acting(request, "read")).order_by("name")
    return page(rows, asked, lambda row: row, text=("name",), state="reality")


@router.get("/mailboxes", response={200: schemas.Page[schemas.MailboxOut], **COMMON}, tags=["mail"])
def list_mailboxes(request: HttpRequest, asked: Asked) -> Any:
    """Mailboxes. `q` looks in address and comment, `state` is pending, live or failed."""
    rows = Mailbox.objects.of(acting(request, "read")).order_by("address")
    return page(rows, asked, lambda row: row, text=("address", "comment"), state="reality")


@router.post("/mailboxes", response={201: schemas.MailboxOut, **COMMON}, tags=["mail"])
def open_mailbox(request: HttpRequest, body: schemas.MailboxBody) -> Any:
    """A new mailbox; it is live when its `reality` says so."""
    actor = acting(request, "mail")
    row = mail.open_mailbox(
        MailDomain.objects.one(actor, pk=body.mail_domain_id),
        local=body.local,
        password=body.password,
        quota_mb=body.quota_mb,
        comment=body.comment,
        actor=actor,
        now=request.clock(),  # type: ignore[attr-defined]
    )
    return Status(201, row)


@router.get("/mailboxes/{key}", response={200: schemas.MailboxOut, **COMMON}, tags=["mail"])
def get_mailbox(request: HttpRequest, key: Key) -> Any:
    return Mailbox.objects.one(acting(request, "read"), pk=key)


@router.put("/mailboxes/{key}", response={200: schemas.MailboxOut, **COMMON}, tags=["mail"])
def change_mailbox(request: HttpRequest, key: Key, body: schemas.MailboxChange) -> Any:
    """Quota and comment; a password only when it shall change."""
    actor = acting(request, "mail")
    return mail.change_mailbox(
        Mailbox.objects.one(actor, pk=key),
        password=body.password or None,
        quota_mb=body.quota_mb,
        comment=body.comment,
        actor=actor,
        now=request.clock(),  # type: ignore[attr-defined]
    )


@router.delete("/mailboxes/{key}", response={202: schemas.MailboxOut, **COMMON}, tags=["mail"])
def remove_mailbox(request: HttpRequest, key: Key) -> Any:
    """Queues the removal with all mail in it; the mailbox is gone when its job is done."""
    actor = acting(request, "mail")
    row = Mailbox.objects.one(actor, pk=key)
    mail.remove_mailbox(row, actor=actor, now=request.clock())  # type: ignore[attr-defined]
    row.refresh_from_db()
    return Status(202, row)


@router.get(
    "/servers/physical", response={200: schemas.Page[schemas.PhysicalServerOut], **COMMON}, tags=["servers"]
)
def list_physical_servers(request: HttpRequest, asked: Asked) -> Any:
    """Machines with an agent. `q` looks in name and address."""
    acting(request, "read", owner=True)
    return page(PhysicalServer.objects.order_by("name"), asked, lambda row: row, text=("name", "ip"))


@router.get(
    "/servers/logical", response={200: schemas.Page[schemas.LogicalServerOut], **COMMON}, tags=["servers"]
)
def list_logical_servers(request: HttpRequest, asked: Asked) -> Any:
    """Logical servers. `q` looks in the name."""
    acting(request, "read", owner=True)
    rows = LogicalServer.objects.select_related("group", "physical").order_by("name")
    return page(rows, asked, shapes.logical_server, text=("name",))


@router.put(
    "/servers/logical/{key}/signup", response={200: schemas.LogicalServerOut, **COMMON}, tags=["servers"]
)
def open_logical_server(request: HttpRequest, key: Key, body: schemas.Switch) -> Any:
    """Whether the server takes new customers."""
    actor = acting(request, "settings", owner=True)
    row = LogicalServer.objects.select_related("group", "physical").filter(pk=key).first()
    if row is None:
        raise NotYours()
    servers.set_signup(row, body.on, actor=actor, now=request.clock())  # type: ignore[attr-defined]
    row.refresh_from_db()
    return shapes.logical_server(row)


@router.get("/jobs", response={200: schemas.Page[schemas.JobOut], **COMMON}, tags=["jobs"])
def list_jobs(request: HttpRequest, asked: Asked) -> Any:
    """Background jobs, newest first. `q` looks in title and object."""
    return page(
        hosting.jobs(acting(request, "read")),
        asked,
        lambda row: row,
        text=("title", "object_key"),
        state="state",
    )


@router.get("/jobs/{key}", response={200: schemas.JobOut, **COMMON}, tags=["jobs"])
def get_job(request: HttpRequest, key: Key) -> Any:
    return Job.objects.one(acting(request, "read"), pk=key)


@router.get("/jobs/{key}/log", response={200: list[schemas.JobLogOut], **COMMON}, tags=["jobs"])
def get_job_log(request: HttpRequest, key: Key) -> Any:
    """The newest 500 lines, oldest first."""
    row = Job.objects.one(acting(request, "read"), pk=key)
    return list(reversed(row.log.order_by("-id")[:500]))


@router.post("/jobs/{key}/retry", response={200: schemas.JobOut, **COMMON}, tags=["jobs"])
def retry_job(request: HttpRequest, key: Key) -> Any:
    actor = acting(request, "jobs")
    row = Job.objects.one(actor, pk=key)
    queue.retry(row, actor=actor, now=request.clock())  # type: ignore[attr-defined]
    row.refresh_from_db()
    return row


@router.post("/jobs/{key}/cancel", response={200: schemas.JobOut, **COMMON}, tags=["jobs"])
def cancel_job(request: HttpRequest, key: Key) -> Any:
    """A queued job ends at once; a running one stops after its current step."""
    actor = acting(request, "jobs", staff=True)
    row = Job.objects.one(actor, pk=key)
    queue.cancel(row, actor=actor, now=request.clock())  # type: ignore[attr-defined]
    row.refresh_from_db()
    return row


@router.get("/tokens", response={200: list[schemas.TokenOut], **COMMON}, tags=["tokens"])
def list_tokens(request: HttpRequest) -> Any:
    """The API tokens of the acting user."""
    actor = acting(request, "tokens")
    return list(accounts_queries.api_tokens(actor))


@router.post("/tokens", response={201: schemas.NewToken, **COMMON}, tags=["tokens"])
def issue_token(request: HttpRequest, body: schemas.TokenBody) -> Any:
    """A token for the acting user, with no more scopes than this one has. It is shown once."""
    actor = acting(request, "tokens")
    unknown = sorted(set(body.scopes) - set(SCOPES))
    if unknown:
        raise Refused(_("There is no scope “%s”.") % unknown[0], code="scope-unknown", field="scopes")
    wanted = body.scopes or sorted(actor.scopes)
    if actor.scopes and not set(wanted) <= actor.scopes:
        raise Refused(_("A token cannot give more than it has."), code="scope-wider", field="scopes")
    user = User.objects.get(pk=actor.user_id or 0)
    token = accounts.issue_api_token(
        user=user,
        name=body.name,
        scopes=wanted,
        days=body.days,
        actor=actor,
        now=request.clock(),  # type: ignore[attr-defined]
    )
    return Status(201, {"token": token})


@router.delete("/tokens/{key}", response={204: None, **COMMON}, tags=["tokens"])
def revoke_token(request: HttpRequest, key: Key) -> Any:
    """It stops working at once. Gone already is success."""
    actor = acting(request, "tokens")
    accounts.revoke_api_token(token_id=key, actor=actor, now=request.clock())  # type: ignore[attr-defined]
    return Status(204, None)
