"""Staff pages of signup: sign a customer up, links to give out, and moderation."""

from __future__ import annotations

from typing import Any

import django_filters
import django_tables2 as tables
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.panel.accounts.doors import PanelRequest, staff_only
from heliosphere.panel.accounts.queries import provider_of
from heliosphere.panel.catalog import queries as catalog
from heliosphere.panel.look.lists import ListPage, SearchFilter
from heliosphere.panel.look.parts import Crumb, Fact
from heliosphere.panel.look.tables import HelioTable, MomentColumn, MoneyColumn
from heliosphere.panel.platform.errors import Refused, TryLater
from heliosphere.panel.signup import queries, services
from heliosphere.panel.signup.forms import PAYMENT_WORDS, ApproveForm, RejectForm
from heliosphere.panel.signup.models import SignupRequest


class ModerationTable(HelioTable):
    login = tables.LinkColumn(
        "signup:moderate",
        args=[tables.A("pk")],
        verbose_name=gettext_lazy("Login"),
        attrs={"td": {"class": "h-main"}},
    )
    plan = tables.Column(verbose_name=gettext_lazy("Plan"))
    domain = tables.Column(verbose_name=gettext_lazy("Domain"))
    payment_type = tables.Column(verbose_name=gettext_lazy("Payment"))

    def render_payment_type(self, value: str) -> str:
        return str(PAYMENT_WORDS.get(value, value))

    total_minor = MoneyColumn(currency="currency", verbose_name=gettext_lazy("First bill"))
    submitted_at = MomentColumn(verbose_name=gettext_lazy("Sent"))

    empty_title = gettext_lazy("Nobody is waiting")
    empty_help = gettext_lazy("Signups by check, and those that met trouble, wait here for your word.")
    empty_icon = "state-done"

    class Meta(HelioTable.Meta):
        model = SignupRequest
        fields = ("login", "plan", "domain", "payment_type", "total_minor", "submitted_at")


class ModerationFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = SearchFilter("login", "domain", "plan__name")

    class Meta:
        model = SignupRequest
        fields: tuple[str, ...] = ()


@method_decorator(staff_only, name="dispatch")
class ModerationList(ListPage):
    title = gettext_lazy("Moderation")
    table_class = ModerationTable
    filterset_class = ModerationFilter

    def get_queryset(self) -> Any:
        return queries.moderated(self.request.principal)


@staff_only
def choose_plan(request: PanelRequest) -> HttpResponse:
    """Plans staff may sign a customer up for, the closed ones too."""
    provider = provider_of(request.principal)
    context = {
        "title": _("Sign a customer up"),
        "plans": catalog.plans_for_signup(provider, by_staff=True),
        "links": False,
    }
    return render(request, "signup/staff_plans.html", context)


@staff_only
def links(request: PanelRequest) -> HttpResponse:
    """Addresses to put on the provider's own web site."""
    provider = provider_of(request.principal)
    plans = list(catalog.plans_for_signup(provider, by_staff=False))
    for plan in plans:
        plan.signup_url = request.build_absolute_uri(reverse("signup:start", args=[plan.pk]))  # type: ignore[attr-defined]
    return render(
        request, "signup/staff_plans.html", {"title": _("Signup links"), "plans": plans, "links": True}
    )


@staff_only
def moderate(request: PanelRequest, pk: int) -> HttpResponse:
    """One waiting request: everything typed, the agreed bill, let in or turned down."""
    row = SignupRequest.objects.one(request.principal, pk=pk)
    approve = ApproveForm(request.POST if "approve" in request.POST else None, request_row=row)
    reject = RejectForm(request.POST if "reject" in request.POST else None)
    if approve.is_bound and approve.is_valid():
        try:
            row = services.approve(
                row,
                check_number=approve.cleaned_data.get("check_number", ""),
                amount_minor=approve.cleaned_data.get("amount"),
                actor=request.principal,
                now=request.clock(),
            )
            return redirect("hosting:group", row.job_group_id)
        except (Refused, TryLater) as error:
            approve.add_error(None, f"{error.message} {error.advice}".strip())
    if reject.is_bound and reject.is_valid():
        services.reject(
            row, reason=reject.cleaned_data["reason"], actor=request.principal, now=request.clock()
        )
        messages.success(request, _("The signup of %s was turned down.") % row.login)
        return redirect("signup:moderation")
    return render(request, "signup/moderate.html", _moderate_context(row, approve, reject))


def _moderate_context(row: SignupRequest, approve: ApproveForm, reject: RejectForm) -> dict[str, Any]:
    contact = row.contact
    return {
        "title": row.login,
        "state": {"done": "approved", "paying": "waiting"}.get(row.state, row.state),
        "row": row,
        "approve": approve,
        "reject": reject,
        "document": services.agreed_document(row),
        "facts": [
            Fact(_("Plan"), f"{row.plan}, {row.period}"),
            Fact(_("Domain"), row.domain or _("none")),
            Fact(_("Payment"), PAYMENT_WORDS.get(row.payment_type, row.payment_type)),
            Fact(_("Sent"), row.submitted_at, "when"),
            Fact(_("From"), row.address, "code"),
            Fact(_("Name"), f"{contact.get('first_name')} {contact.get('last_name')}"),
            Fact(_("Company"), contact.get("company") or "–"),
            Fact(
                _("Address"), f"{contact.get('address')}, {contact.get('postal_code')} {contact.get('city')}"
            ),
            Fact(_("Country"), queries.country_names().get(contact.get("country", ""), "")),
            Fact(_("E-mail"), contact.get("email")),
        ],
        "breadcrumbs": [Crumb(_("Moderation"), reverse("signup:moderation")), Crumb(row.login)],
    }
