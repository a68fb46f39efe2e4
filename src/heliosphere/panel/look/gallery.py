"""Every page kind and component with made-up content, for people who build pages and for the tests.

Open only with DEBUG or LOOK_GALLERY. `?skin=`, `?theme=`, `?door=` and `?dir=rtl` show one page in
another dress without storing a preference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import django_filters
import django_tables2 as tables
from django import forms
from django.conf import settings
from django.contrib.auth.models import Permission
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from heliosphere.panel.look.context import Look
from heliosphere.panel.look.forms import (
    ConfirmForm,
    FieldGroup,
    Grouped,
    MoneyField,
    UnitInput,
    dress,
)
from heliosphere.panel.look.icons import ICONS
from heliosphere.panel.look.lists import ListPage, SearchFilter
from heliosphere.panel.look.parts import (
    Bar,
    Consequence,
    Crumb,
    Danger,
    Fact,
    LogLine,
    Rule,
    Step,
    Tab,
    TimelineEvent,
    Total,
    steps_of,
)
from heliosphere.panel.look.shown import amount
from heliosphere.panel.look.skins import SKINS, THEMES
from heliosphere.panel.look.states import STATES
from heliosphere.panel.look.tables import HelioTable, MomentColumn, MoneyColumn, StateColumn
from heliosphere.panel.platform.navigation import Door

NOW = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)


def _open_or_404() -> None:
    if not (settings.DEBUG or getattr(settings, "LOOK_GALLERY", False)):
        raise Http404


def dress_up(request: HttpRequest) -> None:
    """Hand the request a Look with the skin, theme, door and direction its address asks for."""
    look = Look(request)
    wanted = request.GET
    kept = look.preference
    skin = wanted.get("skin", "")
    theme = wanted.get("theme", "")
    look.preference = replace(
        kept,
        skin=skin if skin in SKINS else kept.skin,
        theme=theme if theme in THEMES else kept.theme,
    )
    look.door = Door(wanted.get("door", Door.ADMIN))
    look.now = NOW
    if wanted.get("dir") == "rtl":
        look.direction = "rtl"
    request.look = look  # type: ignore[attr-defined]


class SampleForm(Grouped, forms.Form):
    """Every kind of field."""

    name = forms.CharField(label="Plan name", max_length=40, help_text="Customers see it on their invoice.")
    email = forms.EmailField(label="Contact e-mail", required=False)
    price = MoneyField(label="Monthly price", currency="EUR", help_text="Net, without tax.")
    quota = dress(
        forms.IntegerField(label="Mailbox quota", min_value=1, widget=UnitInput("MB")),
        default="500",
        more_help="A mailbox over its quota refuses new mail until something is deleted.",
    )
    period = forms.ChoiceField(label="Billing period", choices=[("1", "1 month"), ("12", "1 year")])
    access = forms.ChoiceField(
        label="Who may sign up",
        choices=[("all", "Everybody"), ("admin", "Only administrators")],
        widget=forms.RadioSelect,
    )
    extras = forms.MultipleChoiceField(
        label="Included",
        choices=[("ssl", "Certificates"), ("cron", "Scheduled tasks"), ("shell", "Shell access")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    on_sale = forms.BooleanField(label="On sale", help_text="Shown on the signup page.", required=False)

    groups = (
        FieldGroup("What it is", "How the plan is called and what it costs.", ("name", "price", "period")),
        FieldGroup("What it holds", "Limits that apply to each account.", ("quota", "extras")),
        FieldGroup("Who gets it", "Where the plan is offered.", ("access", "on_sale", "email", "note")),
    )


SAMPLE = {"name": "Basic", "price": 495, "quota": 2000, "period": "1", "access": "all", "extras": ["ssl"]}
WRONG = {"name": "", "price": "4.999", "quota": "0", "period": "1", "access": "", "email": "anna@"}


class InvoiceTable(HelioTable):
    number = tables.Column(attrs={"td": {"class": "h-main"}}, linkify=lambda record: "#" + record["number"])
    account = tables.Column()
    state = StateColumn()
    issued = MomentColumn()
    total = MoneyColumn(currency="EUR")


class NobodyTable(InvoiceTable):
    empty_title = "No invoices yet"
    empty_help = "An invoice appears here when the first account is charged."
    empty_action = ("Create a plan", "#")
    empty_icon = "invoice"


INVOICES = [
    {
        "number": f"2026-{number:05}",
        "account": account,
        "state": state,
        "issued": NOW - timedelta(days=3 * number, hours=number),
        "total": 1249 + 731 * number,
    }
    for number, (account, state) in enumerate(
        [
            ("bakery-lindner", "paid"),
            ("riverside-choir", "open"),
            ("northlight-studio", "overdue"),
            ("atlas-cycles", "paid"),
            ("a-quite-long-account-name-for-a-narrow-column", "void"),
        ],
        start=1,
    )
]
EVENTS = [
    TimelineEvent(NOW - timedelta(minutes=4), "Mailbox anna@lindner.example opened", "Anna Lindner", "done"),
    TimelineEvent(NOW - timedelta(hours=3), "DNS zone published to ns1 and ns2", "Background job", "running"),
    TimelineEvent(NOW - timedelta(days=1), "Invoice 2026-00001 paid by card", "Test gateway", "paid", "#"),
    TimelineEvent(NOW - timedelta(days=2), "Account approved", "Mira Osei, administrator", "approved"),
]


def index(request: HttpRequest) -> HttpResponse:
    """All components on one page."""
    _open_or_404()
    dress_up(request)
    context = {
        "title": "Gallery",
        "subtitle": "Every component, with made-up content.",
        "kinds": sorted([*KINDS, "list"]),
        "icons": ICONS,
        "states": STATES,
        "now": NOW,
        "earlier": NOW - timedelta(hours=5),
        "facts_lines": _facts(),
        "events": EVENTS,
        "steps": steps_of(["Period", "Domain", "Contact", "Payment", "Review"], 2, ["#", "#"]),
        "tabs": _tabs(),
        "table": InvoiceTable(INVOICES),
        "empty_table": NobodyTable([]),
        "form": SampleForm(initial=SAMPLE),
        "wrong_form": SampleForm(WRONG, prefix="wrong"),
    }
    return render(request, "look/gallery/index.html", context)


def page(request: HttpRequest, kind: str) -> HttpResponse:
    """One page of the kind."""
    _open_or_404()
    if kind not in KINDS:
        raise Http404
    dress_up(request)
    template, context = KINDS[kind]
    return render(request, template, context(request))


def _tabs() -> list[Tab]:
    return [
        Tab("Overview", "#", True),
        Tab("Mail", "#mail", count=12),
        Tab("DNS", "#dns"),
        Tab("Billing", "#b"),
    ]


def _facts() -> list[Fact]:
    return [
        Fact("Account", "10042", "code"),
        Fact("State", "active", "state"),
        Fact("Plan", "Basic, monthly", "link", "#"),
        Fact("Opened", NOW - timedelta(days=40), "when"),
        Fact("Next invoice", "1 Mar – 31 Mar 2026 (31 days)", help="Drawn up on the last day."),
        Fact("Contact", "anna@lindner.example"),
    ]


def _object(request: HttpRequest) -> dict[str, Any]:
    return {
        "title": "bakery-lindner",
        "subtitle": "Opened for Anna Lindner",
        "state": "active",
        "breadcrumbs": [Crumb("Home", "/"), Crumb("Accounts", "#")],
        "tabs": _tabs(),
        "facts": _facts(),
        "timeline": EVENTS,
        "dangers": [
            Danger(
                "Suspend",
                "Closes the panel, shows the suspended page on the sites, refuses mail logins.",
                "#s",
            ),
            Danger("Delete", "Removes 3 domains, 12 mailboxes and all files after 14 days.", "#d"),
        ],
    }


def _wizard(request: HttpRequest, *, wrong: bool = False) -> dict[str, Any]:
    form = SampleForm(WRONG) if wrong else SampleForm(initial=SAMPLE)
    return {
        "title": "Sign up for Basic",
        "steps": steps_of(["Period", "Domain", "Contact", "Payment", "Review"], 2, ["#1", "#2"]),
        "step_title": "How can we reach you?",
        "step_help": "We use this for invoices and for urgent messages about your account.",
        "form": form,
        "back_url": "#2",
    }


def _settings(request: HttpRequest) -> dict[str, Any]:
    return {
        "title": "Billing settings",
        "subtitle": "They apply to charges from now on; what is already invoiced stays.",
        "form": SampleForm(initial=SAMPLE),
        "impact": ["14 accounts on this plan pay the new price from their next period."],
        "cancel_url": "#",
    }


def _job(state: str) -> Callable[[HttpRequest], dict[str, Any]]:
    names = ["Publish the DNS zone", "Create the site", "Open the mail domain", "Open postmaster", "Tell you"]
    reached = {"done": 5, "running": 2, "failed": 2}[state]
    marks = ["done" if n < reached else "todo" for n in range(5)]
    if state != "done":
        marks[reached] = "current" if state == "running" else "failed"

    def context(request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = {
            "title": "Setting up bakery-lindner",
            "job_title": "Job 318, started by Anna Lindner",
            "state": state,
            "done": reached,
            "total": 5,
            "now_doing": names[reached] if reached < 5 else "All done",
            "steps": [Step(name, mark) for name, mark in zip(names, marks, strict=True)],  # type: ignore[arg-type]
            "log": [
                LogLine(NOW + timedelta(seconds=n), f"step {n + 1} of 5: {names[n]}") for n in range(reached)
            ],
            "log_open": True,
        }
        if state == "failed":
            context |= {
                "failure": "The mail server mail1 does not answer.",
                "advice": "Check that it is up, then try again. What is done stays done.",
                "retry_url": "#",
            }
            context["log"].append(LogLine(NOW + timedelta(seconds=4), "mail1:25 connection refused", "error"))
        return context

    return context


def _explain(request: HttpRequest) -> dict[str, Any]:
    return {
        "title": "Why was this message refused?",
        "question": "Mail from eve@two.example to anna@lindner.example at 09:12",
        "verdict": "Refused: the sender is on the block list.",
        "verdict_tone": "bad",
        "facts": [Fact("Client", "203.0.113.9", "code"), Fact("HELO", "two.example", "code")],
        "rules": [
            Rule("Is the client's address blocked?", "203.0.113.9 is on none of 2 lists."),
            Rule("Is the sender blocked?", "@two.example is in badmailfrom.", "stopped", "refused"),
            Rule("Does the mailbox exist?", outcome="skipped"),
        ],
    }


def _report(request: HttpRequest) -> dict[str, Any]:
    months = [("Oct", 3120), ("Nov", 3480), ("Dec", 2990), ("Jan", 4010), ("Feb", 4460), ("Mar", 1720)]
    return {
        "title": "Income",
        "as_of": NOW,
        "export_url": "#csv",
        "totals": [
            Total("Charged", amount(1978000, "EUR"), "6 months, net"),
            Total("Received", amount(1811250, "EUR")),
            Total("Open", amount(166750, "EUR"), "7 invoices"),
        ],
        "bars_title": "Charged per month, EUR",
        "bars": [Bar(month, value, f"{value:,}") for month, value in months],
        "table": InvoiceTable(INVOICES),
    }


def _print(request: HttpRequest) -> dict[str, Any]:
    return {"title": "Invoice 2026-00001", "back_url": reverse("look:gallery"), "invoices": INVOICES}


def _confirm(request: HttpRequest) -> dict[str, Any]:
    return {
        "title": "Delete bakery-lindner?",
        "lead": "The account of Anna Lindner and everything in it is removed.",
        "consequences": [Consequence(3, "domains"), Consequence(12, "mailboxes with 4.2 GB of mail")],
        "irreversible": True,
        "form": ConfirmForm(name="bakery-lindner"),
        "action_label": "Delete the account",
        "cancel_url": "#",
    }


def _home(request: HttpRequest) -> dict[str, Any]:
    return {"title": "Quick access", "subtitle": "Good morning, Anna."}


def _form(request: HttpRequest) -> dict[str, Any]:
    return {"title": "New plan", "form": SampleForm(WRONG), "cancel_url": "#"}


Context = Callable[[HttpRequest], dict[str, Any]]
KINDS: dict[str, tuple[str, Context]] = {
    "home": ("look/gallery/home.html", _home),
    "object": ("look/gallery/object.html", _object),
    "wizard": ("look/gallery/wizard.html", _wizard),
    "wizard-errors": ("look/gallery/wizard.html", lambda request: _wizard(request, wrong=True)),
    "settings": ("look/pages/settings_form.html", _settings),
    "form": ("look/pages/form.html", _form),
    "job": ("look/pages/job_progress.html", _job("running")),
    "job-failed": ("look/pages/job_progress.html", _job("failed")),
    "job-done": ("look/pages/job_progress.html", _job("done")),
    "explain": ("look/pages/explain.html", _explain),
    "report": ("look/pages/report.html", _report),
    "print": ("look/gallery/print.html", _print),
    "confirm": ("look/pages/confirm.html", _confirm),
}


class PermissionTable(HelioTable):
    name = tables.Column(attrs={"td": {"class": "h-main"}})
    codename = tables.Column()
    content_type = tables.Column(verbose_name="Kind")

    class Meta(HelioTable.Meta):
        model = Permission
        fields = ("name", "codename", "content_type")
        per_page = 10


class PermissionFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = SearchFilter("name", "codename")

    class Meta:
        model = Permission
        fields = ("content_type",)


class ListSample(ListPage):
    """A real list over rows every installation has."""

    title = "Permissions"
    subtitle = "A list that searches as you type."
    table_class = PermissionTable
    filterset_class = PermissionFilter
    queryset = Permission.objects.select_related("content_type").order_by("pk")
    export_name = "permissions"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _open_or_404()
        dress_up(request)
        return super().get(request, *args, **kwargs)
