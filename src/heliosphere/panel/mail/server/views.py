"""E.Manager, mail servers: their list, their settings, the manual of the settings, and what-if."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from heliosphere.contracts.mail_server import Changed, ControlsFound, WhatIf
from heliosphere.panel.accounts.doors import PanelRequest, owner_only
from heliosphere.panel.look.history import history_of
from heliosphere.panel.look.lists import ListPage
from heliosphere.panel.look.parts import Crumb
from heliosphere.panel.mail.server import queries, rules, services
from heliosphere.panel.mail.server.answers import asking, wants_part
from heliosphere.panel.mail.server.forms import ControlsForm
from heliosphere.panel.mail.server.models import MailServerState, Question, QuestionKind
from heliosphere.panel.mail.server.shown import change_rows
from heliosphere.panel.mail.server.tables import ChangeTable, MailServerFilter, MailServerTable
from heliosphere.panel.mail.server.wording import KIND_WORDS, STAGE_TEXTS, said_wrong
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import NotYours, Refused
from heliosphere.panel.servers.models import LogicalServer

_MOST_TOLD = 10


@method_decorator(owner_only, name="dispatch")
class MailServerList(ListPage):
    title = gettext_lazy("Mail servers")
    subtitle = gettext_lazy("Their settings, and what they did with the mail that came.")
    template_name = "mail/server/list.html"
    table_class = MailServerTable
    filterset_class = MailServerFilter

    def get_queryset(self) -> Any:
        return queries.mail_servers()


@owner_only
def manual(request: PanelRequest) -> HttpResponse:
    """Every control with all that is declared of it."""
    groups = [
        (*STAGE_TEXTS[stage], rows)
        for stage in rules.STAGES
        if (rows := [_entry(one) for one in rules.in_panel() if one.stage == stage])
    ]
    crumbs = [Crumb(_("Mail servers"), reverse("mail:servers")), Crumb(_("What the settings mean"))]
    context = {"title": _("What the settings mean"), "groups": groups, "breadcrumbs": crumbs}
    return render(request, "mail/server/manual.html", context)


def _entry(control: Any) -> dict[str, Any]:
    default = rules.default_text(control, {})
    return {"control": control, "kind": KIND_WORDS[control.kind], "default": default}


@owner_only
def server(request: PanelRequest, pk: int) -> HttpResponse:
    """Mail Server Settings."""
    row = queries.mail_server(pk)
    state = queries.state_of(row)
    found = queries.found_in(state)
    reading = _question(request, request.GET.get("reading"))
    context = _about(row) | _known(row, state, found, reading)
    if found is None:
        return render(request, "mail/server/unread.html", context)
    tried = _question(request, request.GET.get("tried"))
    wanted = tried.asked.values if tried is not None and isinstance(tried.asked, WhatIf) else None
    search = request.GET.get("q", "")[:100]
    form = ControlsForm(request.POST or None, found=found, wanted=wanted, search=search, auto_id="control-%s")
    if request.method == "POST" and form.is_valid():
        answer = _send(request, row, form)
        if answer is not None:
            return answer
    context |= {
        "form": form,
        "search": search,
        "timeline": history_of(audit.trail(row, 8), of=row),
        "cancel_url": reverse("mail:servers"),
    }
    return render(request, "mail/server/settings.html", context)


def _send(request: PanelRequest, row: LogicalServer, form: ControlsForm) -> HttpResponse | None:
    """Try the changes or save them. None: they were refused, the form says why."""
    if not form.values:
        messages.info(request, _("Nothing was changed."))
        return redirect("mail:server", row.pk)
    try:
        if request.POST.get("act") == "try":
            question = services.what_if(row, form.values, actor=request.principal, now=request.clock())
            return redirect("mail:server-tried", question.pk)
        return _save(request, row, form.values, form.remarks)
    except Refused as error:
        form.add_error(error.field if error.field in form.fields else None, str(error.message))
        return None


def _save(
    request: PanelRequest, row: LogicalServer, values: dict[str, str | None], remarks: list[str]
) -> HttpResponse:
    job = services.change_controls(row, values, actor=request.principal, now=request.clock())
    for remark in remarks[:_MOST_TOLD]:
        messages.warning(request, remark)
    if job is None:
        messages.info(request, _("The mail server has these settings already."))
        return redirect("mail:server", row.pk)
    messages.success(request, _("The settings are on their way to the mail server."))
    return redirect("hosting:job", job.pk)


def _about(row: LogicalServer) -> dict[str, Any]:
    return {
        "title": row.name,
        "server": row,
        "breadcrumbs": [Crumb(_("Mail servers"), reverse("mail:servers")), Crumb(row.name)],
    }


def _known(
    row: LogicalServer, state: MailServerState | None, found: ControlsFound | None, reading: Question | None
) -> dict[str, Any]:
    """What the page says of the state before it shows it."""
    bad = rules.bad_values(found) if found is not None else []
    return {
        "state": state,
        "reading": reading,
        "reading_state": reading.state if reading is not None else "",
        "broken": [(one, said_wrong(one), rules.may_set(one.control)) for one in bad[:_MOST_TOLD]],
        "broken_count": len(bad),
        "unknown": found.unknown if found is not None else (),
        "version": rules.version(found.controls) if found is not None else "",
        "under_way": queries.change_under_way(row),
        "is_waiting": reading is not None and reading.state == "waiting",
    }


def _question(request: PanelRequest, key: str | None) -> Question | None:
    if not key or not key.isdecimal() or len(key) > 18:
        return None
    return queries.question(request.principal, int(key))


@owner_only
@require_POST
def read(request: PanelRequest, pk: int) -> HttpResponse:
    """Ask for the settings as they are now."""
    row = queries.mail_server(pk)
    question = services.read_controls(row, actor=request.principal, now=request.clock())
    if wants_part(request):
        return _reading_part(request, question, request.POST.get("version", ""))
    return redirect(f"{reverse('mail:server', args=[pk])}?reading={question.pk}")


@owner_only
def reading(request: PanelRequest, pk: int) -> HttpResponse:
    """Whether a reading has ended; the moving part of the settings page."""
    question = queries.question(request.principal, pk)
    return _reading_part(request, question, request.GET.get("version", ""))


def _reading_part(request: PanelRequest, question: Question, version: str) -> HttpResponse:
    state = queries.state_of(question.server)
    found = queries.found_in(state)
    now = rules.version(found.controls) if found is not None else ""
    context = {
        "reading": question,
        "reading_state": question.state,
        "state": state,
        "server": question.server,
        "version": version,
        "is_other": now != version,
    }
    answer = render(request, "mail/server/reading.html", context)
    if question.state != "waiting" and not version and found is not None:
        answer["HX-Refresh"] = "true"
    return answer


@owner_only
def tried(request: PanelRequest, pk: int) -> HttpResponse:
    """Which verdicts of past sessions edited settings would change; from here they are saved."""
    question = queries.question(request.principal, pk)
    asked = question.asked
    if question.kind != QuestionKind.WHAT_IF or not isinstance(asked, WhatIf):
        raise NotYours()
    if request.method == "POST":
        return _save(request, question.server, dict(asked.values), [])
    context = _about(question.server) | asking(request, question) | {"title": _("Try before saving")}
    context["settings_url"] = f"{reverse('mail:server', args=[question.server_id])}?tried={pk}"
    context["values"] = [(name, rules.told(name, text)) for name, text in sorted(asked.values.items())]
    context["breadcrumbs"] = [
        Crumb(_("Mail servers"), reverse("mail:servers")),
        Crumb(question.server.name, context["settings_url"]),
        Crumb(_("Try before saving")),
    ]
    found = question.found
    if isinstance(found, Changed):
        context |= {"found": found, "table": ChangeTable(change_rows(found))}
    part = "mail/server/tried_part.html"
    return render(request, part if wants_part(request) else "mail/server/tried.html", context)
