"""API of mail servers: settings, and questions whose answers are fetched afterwards."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router, Status

from heliosphere.contracts.controls.registry import Control
from heliosphere.contracts.mail_server import ControlState, ExplainSession, FindSessions
from heliosphere.panel.api import schemas
from heliosphere.panel.api.auth import acting
from heliosphere.panel.api.problems import COMMON
from heliosphere.panel.mail.server import queries, rules, services
from heliosphere.panel.mail.server.models import Question
from heliosphere.panel.mail.server.wording import said_wrong

router = Router(tags=["mail servers"])
Key = Annotated[int, Path(ge=1, le=2**63 - 1)]
_ASKED = {202: schemas.MailQuestionOut, **COMMON}


@router.get("/mail-controls", response={200: list[schemas.ControlOut], **COMMON})
def list_controls(request: HttpRequest) -> Any:
    """Every setting mail servers have that can be changed, in the order of a session."""
    acting(request, "read", owner=True)
    return [_control(control) for control in rules.in_panel()]


@router.get("/mail-servers/{key}/controls", response={200: schemas.ControlsOut, **COMMON})
def get_controls(request: HttpRequest, key: Key) -> Any:
    """The settings of a mail server (a logical server of the kind mail), as they were read last."""
    acting(request, "read", owner=True)
    state = queries.state_of(queries.mail_server(key))
    found = queries.found_in(state)
    shown = [_state(one) for one in found.controls if rules.may_set(one.name)] if found else []
    return {
        "read_at": state.read_at if state else None,
        "trouble": state.trouble if state else "",
        "controls": shown,
    }


@router.put("/mail-servers/{key}/controls", response={202: schemas.ControlsChanged, **COMMON})
def change_controls(request: HttpRequest, key: Key, body: schemas.ControlsBody) -> Any:
    """Change settings. All are checked first; a job writes them."""
    actor = acting(request, "settings", owner=True)
    now = request.clock()  # type: ignore[attr-defined]
    job = services.change_controls(queries.mail_server(key), body.values, actor=actor, now=now)
    remarks = [
        f"{name}: {said_wrong(one)}"
        for name, text in body.values.items()
        for one in rules.problems(name, text)
        if one.is_remark
    ]
    return Status(202, {"job_id": job.pk if job else None, "remarks": remarks[:100]})


@router.post("/mail-servers/{key}/controls/read", response=_ASKED)
def read_controls(request: HttpRequest, key: Key) -> Any:
    """Ask the server for its settings as they are now."""
    actor = acting(request, "read", owner=True)
    now = request.clock()  # type: ignore[attr-defined]
    return Status(202, _question(services.read_controls(queries.mail_server(key), actor=actor, now=now)))


@router.post("/mail-servers/{key}/what-if", response=_ASKED)
def what_if(request: HttpRequest, key: Key, body: schemas.WhatIfBody) -> Any:
    """Which verdicts of the last `count` recorded sessions would these settings change?"""
    actor = acting(request, "settings", owner=True)
    now = request.clock()  # type: ignore[attr-defined]
    server = queries.mail_server(key)
    return Status(
        202, _question(services.what_if(server, body.values, count=body.count, actor=actor, now=now))
    )


@router.post("/mail-servers/{key}/explain", response=_ASKED)
def explain(request: HttpRequest, key: Key, body: schemas.ExplainBody) -> Any:
    """What would a session get, and why? Nothing is sent, stored or counted."""
    actor = acting(request, "read", staff=True)
    wanted = ExplainSession(**body.dict() | {"recipients": tuple(body.recipients)})
    now = request.clock()  # type: ignore[attr-defined]
    return Status(202, _question(services.explain(key, wanted, actor=actor, now=now)))


@router.post("/mail-servers/{key}/sessions", response=_ASKED)
def find_sessions(request: HttpRequest, key: Key, body: schemas.SessionsBody) -> Any:
    """Recorded sessions, newest first: all for staff of the owner, others those of their own mail."""
    actor = acting(request, "read")
    now = request.clock()  # type: ignore[attr-defined]
    return Status(
        202, _question(services.find_sessions(key, FindSessions(**body.dict()), actor=actor, now=now))
    )


@router.get("/mail-questions/{key}", response={200: schemas.MailQuestionOut, **COMMON})
def get_question(request: HttpRequest, key: Key) -> Any:
    """A question of the acting user, with its answer once there is one."""
    return _question(queries.question(acting(request, "read"), key))


def _control(control: Control[Any]) -> dict[str, Any]:
    names = [name for name in schemas.ControlOut.model_fields if name != "default"]
    return {name: getattr(control, name) for name in names} | {"default": rules.default_text(control, {})}


def _state(state: ControlState) -> dict[str, Any]:
    return {
        "name": state.name,
        "text": state.text,
        "source": state.source,
        "problems": list(rules.problems(state.name, state.text)),
    }


def _question(row: Question) -> dict[str, Any]:
    found = row.found
    return {
        "id": row.pk,
        "kind": row.kind,
        "server_id": row.server_id,
        "state": row.state,
        "asked_at": row.asked_at,
        "message": row.job.message,
        "advice": row.job.advice,
        "answer": asdict(found) if is_dataclass(found) and not isinstance(found, type) else None,
    }
