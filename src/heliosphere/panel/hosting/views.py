"""Homes of the doors, and the staff's pages about accounts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from heliosphere.panel.accounts.doors import PanelRequest, account_only, staff_only
from heliosphere.panel.accounts.middleware import ACCOUNT_KEY
from heliosphere.panel.accounts.models import Account, AccountKind
from heliosphere.panel.accounts.queries import provider_of
from heliosphere.panel.accounts.rules import staff_agent
from heliosphere.panel.billing import ledger
from heliosphere.panel.billing import queries as billing
from heliosphere.panel.billing import services as billing_services
from heliosphere.panel.billing.models import PaymentMethod
from heliosphere.panel.catalog.queries import terms_of
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure
from heliosphere.panel.hosting import queries, services
from heliosphere.panel.hosting.checklist import checklist
from heliosphere.panel.hosting.forms import CompanyForm, PaymentForm, SuspendForm
from heliosphere.panel.hosting.tables import AccountFilter, AccountTable
from heliosphere.panel.look.history import history_of
from heliosphere.panel.look.lists import ListPage
from heliosphere.panel.look.parts import Consequence, Crumb, Danger, Fact
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import NotYours, Refused


def home(request: PanelRequest) -> HttpResponse:
    """The front door: everyone to the home of their own door."""
    if not request.user.is_authenticated:
        return redirect("signup:plans")
    return redirect("hosting:admin-home" if request.principal.is_staff else "hosting:user-home")


@staff_only
def admin_home(request: PanelRequest) -> HttpResponse:
    """What waits for staff, and the first-run checklist."""
    provider = provider_of(request.principal)
    steps = checklist(provider)
    context = {
        "title": _("Welcome, %s") % request.user,
        "steps": steps,
        "done_count": sum(now.state == "done" for now in steps),
        "open_count": sum(now.state != "later" for now in steps),
        "account_count": queries.customer_accounts(request.principal).count(),
        "trouble_count": queries.trouble_count(request.principal),
        "mail_troubles": queries.mail_troubles(request.principal),
    }
    return render(request, "hosting/admin_home.html", context)


@method_decorator(staff_only, name="dispatch")
class AccountList(ListPage):
    title = gettext_lazy("Accounts")
    table_class = AccountTable
    filterset_class = AccountFilter
    export_name = "accounts"

    def get_queryset(self) -> Any:
        return queries.customer_accounts(self.request.principal)


def _account(request: PanelRequest, pk: int) -> Account:
    row = (
        Account.objects.of(request.principal)
        .select_related("user", "plan", "period", "provider")
        .filter(pk=pk, kind=AccountKind.USER)
        .first()
    )
    if row is None:
        raise NotYours()
    return row


@staff_only
def account(request: PanelRequest, pk: int) -> HttpResponse:
    """Everything about one customer account."""
    row = _account(request, pk)
    contact = billing.contact_of(row)
    context = {
        "title": str(row),
        "account": row,
        "state": row.state,
        "facts": [
            Fact(_("User"), row.user.login),
            Fact(_("Plan"), f"{row.plan}, {row.period}"),
            Fact(_("Opened"), row.created_at, "when"),
            Fact(_("Period ends"), row.period_end),
            Fact(_("Name"), str(contact) if contact else "–"),
            Fact(_("E-mail"), contact.email if contact else row.user.email),
        ],
        "balance_minor": ledger.balance_minor(row),
        "domains": list(row.domains.select_related("site", "zone", "mail_domain")),
        "invoices": list(row.invoices.order_by("-number")[:10]),
        "payments": list(billing.payments_of(row)[:10]),
        "groups": queries.newest_groups(row),
        "timeline": history_of(audit.trail_of_account(row.pk, 20), of=row),
        "dangers": _dangers(row),
        "breadcrumbs": [Crumb(_("Accounts"), reverse("hosting:accounts")), Crumb(str(row))],
    }
    return render(request, "hosting/account.html", context)


def _dangers(row: Account) -> list[Danger]:
    if row.is_suspended:
        return []
    text = _("The panel closes, the site shows a notice, mail logins are refused. All content stays.")
    return [Danger(_("Suspend the account"), text, reverse("hosting:suspend", args=[row.pk]))]


@staff_only
def suspend(request: PanelRequest, pk: int) -> HttpResponse:
    row = _account(request, pk)
    form = SuspendForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        group = services.suspend_account(
            row,
            reason=form.cleaned_data["reason"],
            agent=staff_agent(request.principal.role),
            actor=request.principal,
            now=request.clock(),
        )
        messages.success(request, _("Account %s is suspended.") % row)
        return redirect("hosting:group", group.pk)
    sites, mail = row.sites.count(), row.mail_domains.count()
    context = {
        "title": _("Suspend account %s?") % row,
        "lead": _("The customer cannot use the panel; visitors and mail users are turned away."),
        "consequences": [
            Consequence(
                sites,
                ngettext("web site shows the suspended page", "web sites show the suspended page", sites),
            ),
            Consequence(
                mail,
                ngettext("mail domain refuses logins and mail", "mail domains refuse logins and mail", mail),
            ),
        ],
        "undo_help": _("Nothing is deleted: resuming gives everything back."),
        "form": form,
        "action_label": _("Suspend"),
        "cancel_url": reverse("hosting:account", args=[row.pk]),
    }
    return render(request, "look/pages/confirm.html", context)


@staff_only
@require_POST
def resume(request: PanelRequest, pk: int) -> HttpResponse:
    row = _account(request, pk)
    group = services.resume_account(
        row, agent=staff_agent(request.principal.role), actor=request.principal, now=request.clock()
    )
    messages.success(request, _("Account %s is open again.") % row)
    return redirect("hosting:group", group.pk)


@staff_only
def payment(request: PanelRequest, pk: int) -> HttpResponse:
    """Book money that came in outside of a gateway."""
    row = _account(request, pk)
    owed = max(0, -ledger.balance_minor(row))
    form = PaymentForm(request.POST or None, currency=row.currency, initial={"amount": owed})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            billing_services.record_payment(
                row,
                method=PaymentMethod(values["method"]),
                amount_minor=values["amount"],
                reference=values["reference"],
                comment=values["comment"],
                actor=request.principal,
                now=request.clock(),
            )
        except Refused as error:
            form.add_error(error.field or None, f"{error.message} {error.advice}".strip())
        else:
            messages.success(request, _("The payment is booked."))
            return redirect("hosting:account", row.pk)
    context = {
        "title": _("Book a payment for %s") % row,
        "form": form,
        "save_label": _("Book the payment"),
        "cancel_url": reverse("hosting:account", args=[row.pk]),
    }
    return render(request, "look/pages/form.html", context)


@staff_only
def company(request: PanelRequest) -> HttpResponse:
    """Company info: names and addresses on pages, invoices and notices."""
    provider = provider_of(request.principal)
    form = CompanyForm(request.POST or None, instance=provider)
    if request.method == "POST" and form.is_valid():
        services.change_company(
            provider, dict(form.cleaned_data), actor=request.principal, now=request.clock()
        )
        messages.success(request, _("The company info is saved."))
        return redirect("hosting:company")
    return render(request, "look/pages/settings_form.html", {"title": _("Company info"), "form": form})


@account_only
def user_home(request: PanelRequest) -> HttpResponse:
    """Quick access: the account at a glance."""
    row = request.account
    context = {
        "title": _("Quick access"),
        "account": row,
        "balance_minor": ledger.balance_minor(row),
        "meters": _meters(row),
        "domains": list(row.domains.select_related("site", "zone", "mail_domain")),
        "open_jobs": list(queries.open_jobs(row.pk)[:20]),
        "groups": queries.newest_groups(row, 3),
        "other_accounts": list(
            row.user.accounts.filter(kind=AccountKind.USER)
            .exclude(pk=row.pk)
            .exclude(state="deleted")
            .select_related("plan")
        ),
    }
    return render(request, "hosting/user_home.html", context)


def _meters(row: Account) -> list[dict[str, Any]]:
    if row.plan is None:
        return []
    held = {use.type: use.units for use in row.resources.all()}
    return [
        {
            "label": RESOURCE_TYPES[name].label,
            "used": held.get(name, 0),
            "limit": terms.max_units or terms.free_units,
        }
        for name, terms in terms_of(row.plan).items()
        if RESOURCE_TYPES[name].measure != Measure.SWITCH
    ]


@account_only
@require_POST
def switch(request: PanelRequest) -> HttpResponse:
    """To another account of the same user, without signing in again."""
    key = request.POST.get("account", "")
    own = request.account.user.accounts.filter(kind=AccountKind.USER)
    wanted = own.filter(pk=int(key)).first() if key.isdecimal() else None
    if wanted is None:
        raise NotYours()
    request.session[ACCOUNT_KEY] = wanted.pk
    return redirect("hosting:user-home")
