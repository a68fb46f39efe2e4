"""What mail servers did with mail and why: recorded sessions, and sessions that never were."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from heliosphere.contracts.mail_server import (
    ExplainSession,
    Explanation,
    FindSessions,
    SessionsFound,
    SessionTold,
)
from heliosphere.panel.accounts.doors import PanelRequest, account_only, staff_only
from heliosphere.panel.look.parts import Crumb, Fact
from heliosphere.panel.mail.server import queries, services, stories
from heliosphere.panel.mail.server.answers import asking, wants_part
from heliosphere.panel.mail.server.forms import ExplainForm, SessionsForm
from heliosphere.panel.mail.server.models import Question, QuestionKind
from heliosphere.panel.mail.server.shown import client, decided_by, moment, sender, session_rows
from heliosphere.panel.mail.server.stories import Chapter
from heliosphere.panel.mail.server.tables import SessionTable
from heliosphere.panel.mail.server.wording import VERDICT_TONES, verdict_text
from heliosphere.panel.platform.errors import NotYours, Refused

_NUMBER = re.compile(r"[0-9]{8}-[A-Za-z0-9._-]{1,60}")


@staff_only
def staff_sessions(request: PanelRequest) -> HttpResponse:
    return _sessions(request, _("Mail sessions"), "mail:staff")


@account_only
def own_sessions(request: PanelRequest) -> HttpResponse:
    return _sessions(request, _("Incoming mail"), "mail:own")


@staff_only
def staff_session(request: PanelRequest, server_id: int, number: str) -> HttpResponse:
    return _session(request, server_id, number, _("Mail sessions"), "mail:staff")


@account_only
def own_session(request: PanelRequest, server_id: int, number: str) -> HttpResponse:
    return _session(request, server_id, number, _("Incoming mail"), "mail:own")


# The list


def _sessions(request: PanelRequest, title: str, door: str) -> HttpResponse:
    """POST asks; GET with `asked` waits for the answer and shows it."""
    reach = queries.reach(request.principal)
    context: dict[str, Any] = {"title": title, "has_servers": bool(reach)}
    if not reach:
        return render(request, "mail/server/sessions.html", context)
    if request.method == "POST":
        form = SessionsForm(request.POST, reach=reach)
        if form.is_valid():
            question = services.find_sessions(
                form.cleaned_data["server"], form.question(), actor=request.principal, now=request.clock()
            )
            return _to_answer(request, reverse(f"{door}-sessions"), question)
        return render(request, "mail/server/sessions.html", context | {"form": form})
    asked = _asked(request, QuestionKind.SESSIONS)
    initial = _fields(asked) if asked is not None else {}
    context |= {"form": SessionsForm(initial=initial, reach=reach), "ask_url": request.path}
    if asked is not None:
        context |= asking(request, asked) | _listed(asked, f"{door}-session")
    part = "mail/server/sessions_part.html"
    return render(request, part if wants_part(request) else "mail/server/sessions.html", context)


def _fields(question: Question) -> dict[str, Any]:
    names = ("sender", "recipient", "ip", "only_refused")
    typed = {name: getattr(question.asked, name, "") for name in names}
    return typed | {"server": question.server_id}


def _listed(question: Question, url_name: str) -> dict[str, Any]:
    found = question.found
    if not isinstance(found, SessionsFound):
        return {}
    rows = session_rows(found, question.server_id, url_name)
    return {"table": SessionTable(rows), "count": len(rows)}


def _to_answer(request: PanelRequest, url: str, question: Question) -> HttpResponse:
    """On to the page that waits; by htmx the part of it at once, which then asks by itself."""
    url = f"{url}?asked={question.pk}"
    if wants_part(request):
        context = asking(request, question) | {"poll_url": url}
        return render(request, "mail/server/waiting.html", context)
    return redirect(url)


def _asked(request: PanelRequest, kind: QuestionKind) -> Question | None:
    key = request.GET.get("asked", "")
    if not key.isdecimal() or len(key) > 18:
        return None
    question = queries.question(request.principal, int(key))
    if question.kind != kind:
        raise NotYours()
    return question


# One session


def _session(request: PanelRequest, server_id: int, number: str, title: str, door: str) -> HttpResponse:
    """Why it was refused, or not. Without an answer yet the page asks for it."""
    reach = queries.reach_of(request.principal, server_id)
    if not _NUMBER.fullmatch(number):
        raise NotYours()
    url = reverse(f"{door}-session", args=[server_id, number])
    if request.method == "POST":
        question = services.find_sessions(
            server_id, FindSessions(number=number), actor=request.principal, now=request.clock()
        )
        return _to_answer(request, url, question)
    crumbs = [Crumb(title, reverse(f"{door}-sessions")), Crumb(number)]
    context: dict[str, Any] = {
        "title": _("Why this answer?"),
        "breadcrumbs": crumbs,
        "server": reach.server,
        "ask_url": url,
        "list_url": reverse(f"{door}-sessions"),
        "is_owner": request.principal.role == "owner",
    }
    asked = _asked(request, QuestionKind.SESSION)
    if asked is not None:
        if asked.server_id != server_id or getattr(asked.asked, "number", "") != number:
            raise NotYours()
        context |= asking(request, asked) | _session_told(asked)
        if request.principal.is_staff:
            context["again_url"] = f"{reverse('mail:explain')}?session={asked.pk}"
    part = "mail/server/session_part.html"
    return render(request, part if wants_part(request) else "mail/server/session.html", context)


def _session_told(question: Question) -> dict[str, Any]:
    found = question.found
    if not isinstance(found, SessionsFound) or not found.sessions:
        return {}
    told = found.sessions[0]
    chapters = stories.chapters_of_session(told)
    return _verdict(chapters, is_past=True) | {"facts": _session_facts(told), "chapters": chapters}


def _session_facts(told: SessionTold) -> list[Fact]:
    yes = {True: _("yes"), False: _("no")}
    return [
        Fact(_("Time"), moment(told.at), "when"),
        Fact(_("Client"), client(told.ip, told.host)),
        Fact(_("Sender"), sender(told.sender)),
        Fact(_("Recipients"), ", ".join(one.address for one in told.recipients) or "–"),
        Fact(_("Greeting"), told.helo or "–"),
        Fact(_("Signed in as"), told.login or "–"),
        Fact(_("Encrypted"), yes[told.tls]),
        Fact(_("Number"), told.number, "code"),
    ]


def _verdict(chapters: list[Chapter], *, is_past: bool) -> dict[str, Any]:
    summary = stories.summary(chapters)
    return {
        "verdict": verdict_text(summary, is_past=is_past),
        "verdict_tone": VERDICT_TONES[summary],
        "verdict_state": summary,
        "decided": decided_by(chapters) if summary != "accepted" else "",
    }


# Explain


@staff_only
def explain(request: PanelRequest) -> HttpResponse:
    """A session to go through: typed anew, the fields of an earlier one, or a recorded one."""
    reach = queries.reach(request.principal)
    title = _("Explain mail")
    if not reach:
        return render(request, "mail/server/explain.html", {"title": title, "form": None})
    if request.method == "POST":
        form = ExplainForm(request.POST, request.FILES, reach=reach)
        if form.is_valid() and (question := _ask_to_explain(request, form)) is not None:
            return redirect("mail:explained", question.pk)
    else:
        form = ExplainForm(initial=_earlier(request), reach=reach)
    return render(request, "mail/server/explain.html", {"title": title, "form": form})


def _ask_to_explain(request: PanelRequest, form: ExplainForm) -> Question | None:
    try:
        return services.explain(
            form.cleaned_data["server"], form.question(), actor=request.principal, now=request.clock()
        )
    except Refused as error:
        form.add_error(error.field if error.field in form.fields else None, str(error.message))
        return None


def _earlier(request: PanelRequest) -> dict[str, Any]:
    """What the fields begin with: a question of one's own that is still kept."""
    for name in ("again", "session"):
        key = request.GET.get(name, "")
        if key.isdecimal() and len(key) <= 18:
            question = queries.question(request.principal, int(key))
            return _case(question) | {"server": question.server_id}
    return {}


def _case(question: Question) -> dict[str, Any]:
    """The session of a question: as it was typed, or as it was recorded."""
    asked, found = question.asked, question.found
    told = found.sessions[0] if isinstance(found, SessionsFound) and found.sessions else asked
    names = ("ip", "helo", "sender", "login", "submission", "tls", "message")
    values = {name: getattr(told, name, None) for name in names}
    if isinstance(told, ExplainSession):
        values["recipients"] = "\n".join(told.recipients)
    elif isinstance(told, SessionTold):
        values["recipients"] = "\n".join(one.address for one in told.recipients)
    return values | {"size": getattr(told, "size", 0) or None}


@staff_only
def explained(request: PanelRequest, pk: int) -> HttpResponse:
    """The answer: each command with its checks in order, the facts, and the line that decided."""
    question = queries.question(request.principal, pk)
    asked, found = question.asked, question.found
    if question.kind != QuestionKind.EXPLAIN or not isinstance(asked, ExplainSession):
        raise NotYours()
    again = f"{reverse('mail:explain')}?again={pk}"
    context = asking(request, question) | {
        "title": _("Explanation"),
        "server": question.server,
        "again_url": again,
        "is_owner": request.principal.role == "owner",
        "breadcrumbs": [Crumb(_("Explain mail"), again), Crumb(_("Explanation"))],
        "question": _("From %(sender)s to %(recipients)s, by %(ip)s")
        % {"sender": sender(asked.sender), "recipients": ", ".join(asked.recipients), "ip": asked.ip},
    }
    if isinstance(found, Explanation):
        chapters = stories.chapters_of(found)
        context |= _verdict(chapters, is_past=False) | {"chapters": chapters}
    part = "mail/server/explained_part.html"
    return render(request, part if wants_part(request) else "mail/server/explained.html", context)
