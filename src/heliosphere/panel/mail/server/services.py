"""Writes about mail servers: settings are changed, and questions asked, by jobs of their machine."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from heliosphere.contracts.codec import encode
from heliosphere.contracts.mail_server import (
    ControlsFound,
    ExplainSession,
    FindSessions,
    MailControlsSpec,
    MailQuestion,
    ReadControls,
    WhatIf,
)
from heliosphere.panel.mail.server import queries, rules
from heliosphere.panel.mail.server.models import MailServerState, Question, QuestionKind
from heliosphere.panel.mail.server.wording import QUESTION_TITLES, said_wrong
from heliosphere.panel.platform import audit, limits
from heliosphere.panel.platform.errors import Refused
from heliosphere.panel.platform.jobs.models import Job
from heliosphere.panel.platform.jobs.queue import queue_job
from heliosphere.panel.platform.principal import Principal, system
from heliosphere.panel.servers.models import LogicalServer, PhysicalServer

LARGEST_MESSAGE = 1_048_576
MOST_RECIPIENTS = 50
MOST_SESSIONS = 100
LONGEST_ADDRESS = 320
#: A reading that is this young is not asked for again.
FRESH = timedelta(seconds=5)


# Settings


def check_values(values: Mapping[str, str | None]) -> None:
    """Raises Refused on the field of the first control that may not be set, or not to this."""
    for name, text in values.items():
        if not rules.may_set(name):
            text_ = _("“%s” is no setting of mail servers that can be changed here.") % name
            raise Refused(text_, code="control-unknown", field=name)
        for bad in rules.unusable(name, text):
            raise Refused(said_wrong(bad), code="control-bad", field=name)
        if text is not None and "\0" in text:
            raise Refused(_("A setting cannot hold a zero byte."), code="control-bad", field=name)


@transaction.atomic
def change_controls(
    server: LogicalServer, values: Mapping[str, str | None], *, actor: Principal, now: datetime
) -> Job | None:
    """Queue the change of these controls (None: back to the default); what is so already is left out.

    None: nothing differs. The same change that is under way already is not queued twice.
    """
    check_values(values)
    PhysicalServer.objects.select_for_update().get(pk=server.physical_id)
    known = _texts(queries.found_in(queries.state_of(server)))
    waiting = queries.change_under_way(server)
    wanted = dict(values)
    if waiting is None:
        wanted = {name: text for name, text in values.items() if _differs(name, text, known)}
    if not wanted:
        return None
    spec = MailControlsSpec(wanted)
    if waiting is not None and waiting.spec == encode(spec):
        return waiting
    names = ", ".join(sorted(wanted))
    audit.record(
        "mail-controls.changed",
        server,
        actor=actor,
        now=now,
        before={name: rules.told(name, known.get(name)) for name in wanted},
        after={name: rules.told(name, text) for name, text in wanted.items()} | {"names": names},
    )
    return queue_job(
        "mail_controls.apply",
        spec,
        title=_("Settings of %(server)s: %(names)s") % {"server": server.name, "names": names},
        node=server.physical.node,
        object_key=queries.controls_key(server),
        actor=actor,
        now=now,
        provider_id=actor.provider_id,
    )


def _texts(found: ControlsFound | None) -> dict[str, str]:
    return {one.name: one.text for one in found.controls if one.text is not None} if found else {}


def _differs(name: str, text: str | None, known: Mapping[str, str]) -> bool:
    have = known.get(name)
    if have is None or text is None:
        return (have is None) != (text is None)
    return have.rstrip("\n") != text.rstrip("\n")


def keep_found(node: str, found: ControlsFound, *, asked_at: datetime, now: datetime) -> None:
    """Remember what a reading of `node` found. One that was asked for before our own last change is old."""
    physical = PhysicalServer.objects.filter(node=node).first()
    if physical is None:
        return
    state = MailServerState.objects.get_or_create(physical=physical)[0]
    if state.changed_at is not None and asked_at < state.changed_at:
        return
    state.trouble = found.trouble
    if not found.trouble:
        state.found, state.read_at = encode(found), now
        state.bad_count = len(rules.bad_values(found))
    state.save()


def keep_changed(node: str, values: Mapping[str, str | None], now: datetime) -> None:
    """Remember that a change was done."""
    state = MailServerState.objects.filter(physical__node=node).first()
    found = queries.found_in(state)
    if state is None or found is None:
        return
    found = rules.after_change(found, values)
    state.found, state.bad_count, state.changed_at = encode(found), len(rules.bad_values(found)), now
    state.save()


# Questions


@transaction.atomic
def ask(
    server: LogicalServer, kind: QuestionKind, asked: MailQuestion, *, actor: Principal, now: datetime
) -> Question:
    """Queue a question. Who may ask what is decided by the callers below."""
    if actor.user_id is not None:
        limits.spend("mail-question", str(actor.user_id), most=60, seconds=60)
    job = queue_job(
        "mail_desk.ask",
        asked,
        title=str(QUESTION_TITLES[kind]),
        node=server.physical.node,
        object_key=f"mail-question:{secrets.token_hex(8)}",
        actor=actor,
        now=now,
        provider_id=actor.provider_id,
        account_id=actor.account_id,
    )
    return Question.objects.create(
        provider_id=actor.provider_id,
        account_id=actor.account_id,
        user_id=actor.user_id,
        server=server,
        kind=kind,
        job=job,
        asked_at=now,
    )


def read_controls(server: LogicalServer, *, actor: Principal, now: datetime) -> Question:
    """Ask for the settings as they are; the answer is kept as the server's state. A young one is enough."""
    rows = Question.objects.of(actor).filter(user_id=actor.user_id, server=server, kind=QuestionKind.CONTROLS)
    young = rows.filter(asked_at__gt=now - FRESH).select_related("job").order_by("-pk").first()
    if young is not None and young.state != "failed":
        return young
    return ask(server, QuestionKind.CONTROLS, ReadControls(), actor=actor, now=now)


def what_if(
    server: LogicalServer, values: Mapping[str, str | None], *, count: int = MOST_SESSIONS, actor: Principal,
    now: datetime,
) -> Question:  # fmt: skip
    """Ask which verdicts of the last sessions these values would change."""
    check_values(values)
    asked = WhatIf(dict(values), max(1, min(count, MOST_SESSIONS)))
    return ask(server, QuestionKind.WHAT_IF, asked, actor=actor, now=now)


def find_sessions(server_id: int, wanted: FindSessions, *, actor: Principal, now: datetime) -> Question:
    """Ask for recorded sessions. Whose mail `actor` may see goes into the question itself."""
    reach = queries.reach_of(actor, server_id)
    kind = QuestionKind.SESSION if wanted.number else QuestionKind.SESSIONS
    asked = replace(
        wanted,
        limit=max(1, min(wanted.limit, MOST_SESSIONS)),
        recipients=reach.recipients or (),
        with_trace=bool(wanted.number),
    )
    return ask(reach.server, kind, asked, actor=actor, now=now)


def explain(server_id: int, wanted: ExplainSession, *, actor: Principal, now: datetime) -> Question:
    """Ask what a session would get. Staff of a reseller may ask about mail to their own domains only."""
    reach = queries.reach_of(actor, server_id)
    _check_session(wanted)
    if reach.recipients is not None:
        for address in wanted.recipients:
            if "@" + address.rpartition("@")[2].lower() not in reach.recipients:
                text = _("%s is not an address of one of your domains.") % address
                raise Refused(text, code="recipient-foreign", field="recipients")
    return ask(reach.server, QuestionKind.EXPLAIN, wanted, actor=actor, now=now)


def _check_session(wanted: ExplainSession) -> None:
    try:
        ipaddress.ip_address(wanted.ip)
    except ValueError as error:
        text = _("This is not an IP address.")
        raise Refused(text, code="session-ip", field="ip") from error
    _check_word(wanted.helo, "helo")
    _check_word(wanted.login, "login")
    _check_word(wanted.sender, "sender")
    if not 1 <= len(wanted.recipients) <= MOST_RECIPIENTS:
        text = _("Name 1 to %d recipients, one a line.") % MOST_RECIPIENTS
        raise Refused(text, code="session-recipients", field="recipients")
    for address in wanted.recipients:
        if not address:
            raise Refused(_("A recipient is empty."), code="session-recipients", field="recipients")
        _check_word(address, "recipients")
    if wanted.message is not None and len(wanted.message.encode()) > LARGEST_MESSAGE:
        raise Refused(_("The message is larger than 1 MB."), code="session-message", field="message")


def _check_word(text: str, field: str) -> None:
    """Nothing that could end a command or the address in it."""
    if len(text) > LONGEST_ADDRESS:
        raise Refused(_("This is too long."), code="session-word", field=field)
    if any(ord(sign) < 33 or ord(sign) == 127 or sign in "<>" for sign in text):
        advice = _("Leave out blanks, brackets and control characters.")
        raise Refused(advice, code="session-word", field=field)


def read_all(now: datetime) -> int:
    """Ask every mail server whose settings somebody has looked at once, so that broken ones show without
    being looked for. Periodic."""
    seen: set[int] = set()
    for server in queries.mail_servers().filter(physical__mail_state__isnull=False):
        if server.physical_id not in seen:
            seen.add(server.physical_id)
            read_controls(server, actor=system("mail server settings"), now=now)
    return len(seen)
