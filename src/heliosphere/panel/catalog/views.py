"""Staff pages of the catalogue: the list of plans, one plan, and the wizard that makes or changes one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from heliosphere.panel.accounts.doors import PanelRequest, staff_only
from heliosphere.panel.accounts.models import Provider
from heliosphere.panel.accounts.queries import provider_of
from heliosphere.panel.catalog import drafts, queries, services
from heliosphere.panel.catalog.forms import BasicsForm, PeriodsForm, PricesForm, ResourcesForm
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES
from heliosphere.panel.catalog.tables import PlanFilter, PlanTable
from heliosphere.panel.look.forms import ConfirmForm
from heliosphere.panel.look.history import history_of
from heliosphere.panel.look.lists import ListPage
from heliosphere.panel.look.parts import Crumb, Danger, Fact, steps_of
from heliosphere.panel.platform import audit
from heliosphere.panel.platform.errors import Refused

STEP_LABELS = {
    "basics": gettext_lazy("Basics"),
    "resources": gettext_lazy("Resources"),
    "prices": gettext_lazy("Prices"),
    "periods": gettext_lazy("Billing periods"),
    "review": gettext_lazy("Review"),
}
STEP_HELP = {
    "basics": gettext_lazy(
        "What the plan is called, who may sign up for it, and how far its accounts may owe."
    ),
    "resources": gettext_lazy(
        "Include what accounts may use. What is activated is switched on, and billed, at signup."
    ),
    "prices": gettext_lazy("Prices are for one month and one unit. Units within the free ones cost nothing."),
    "periods": gettext_lazy("How often an account is billed. Longer periods may cost less: give a discount."),
    "review": gettext_lazy("This is what will be sold. Nothing is saved before you say so."),
}


@method_decorator(staff_only, name="dispatch")
class PlanList(ListPage):
    title = gettext_lazy("Plans")
    template_name = "catalog/plans.html"
    table_class = PlanTable
    filterset_class = PlanFilter
    export_name = "plans"

    def get_queryset(self) -> Any:
        return queries.plans(self.request.principal)


@staff_only
def plan(request: PanelRequest, pk: int) -> HttpResponse:
    """One plan: what it sells, who uses it, what was changed."""
    row = Plan.objects.one(request.principal, pk=pk)
    context = {
        "title": row.name,
        "subtitle": row.description,
        "plan": row,
        "state": "on" if row.signup_on else "off",
        "facts": [
            Fact(_("Open to"), row.get_access_display()),
            Fact(_("Billing"), row.get_billing_type_display()),
            Fact(_("Accounts"), row.accounts.exclude(state="deleted").count()),
        ],
        "resources": [(RESOURCE_TYPES[line.type], line) for line in row.resources.all() if line.included],
        "periods": list(row.periods.all()),
        "signup_url": request.build_absolute_uri(reverse("signup:start", args=[row.pk])),
        "timeline": history_of(audit.trail(row, 20)),
        "dangers": [
            Danger(
                _("Delete this plan"),
                _("Only a plan that no account uses can be deleted. Old invoices keep its name."),
                reverse("catalog:plan-delete", args=[row.pk]),
            )
        ],
        "breadcrumbs": [Crumb(_("Plans"), reverse("catalog:plans")), Crumb(row.name)],
    }
    return render(request, "catalog/plan.html", context)


@staff_only
@require_POST
def plan_signup(request: PanelRequest, pk: int) -> HttpResponse:
    """The switch in the list: open or close a plan for signup."""
    row = Plan.objects.one(request.principal, pk=pk)
    on = request.POST.get("on") == "1"
    services.set_signup(row, on, actor=request.principal, now=request.clock())
    texts = {True: _("%s is open for signup."), False: _("%s is closed for signup.")}
    messages.success(request, texts[on] % row.name)
    return redirect(
        "catalog:plans" if request.POST.get("from") == "list" else reverse("catalog:plan", args=[row.pk])
    )


@staff_only
def plan_delete(request: PanelRequest, pk: int) -> HttpResponse:
    row = Plan.objects.one(request.principal, pk=pk)
    form = ConfirmForm(request.POST or None, name=row.name)
    if request.method == "POST" and form.is_valid():
        try:
            services.delete_plan(row, actor=request.principal, now=request.clock())
        except Refused as error:
            form.add_error(None, f"{error.message} {error.advice}")
        else:
            messages.success(request, _("%s was deleted.") % row.name)
            return redirect("catalog:plans")
    context = {
        "title": _("Delete the plan %s?") % row.name,
        "lead": _("Customers can no longer sign up for it. Invoices that name it stay as they are."),
        "form": form,
        "action_label": _("Delete the plan"),
        "cancel_url": reverse("catalog:plan", args=[row.pk]),
    }
    return render(request, "look/pages/confirm.html", context)


@staff_only
def plan_start(request: PanelRequest) -> HttpResponse:
    """A fresh draft; an unfinished one is kept until its first step is sent."""
    return redirect("catalog:plan-step", "new", "basics")


@staff_only
def plan_edit(request: PanelRequest, pk: int) -> HttpResponse:
    """The wizard over an existing plan."""
    row = Plan.objects.one(request.principal, pk=pk)
    _keep(request, str(row.pk), drafts.from_plan(row))
    return redirect("catalog:plan-step", str(row.pk), "basics")


def _draft(request: PanelRequest, key: str) -> drafts.Draft:
    found: drafts.Draft = request.session.get("plan_drafts", {}).get(key, {})
    return found


def _keep(request: PanelRequest, key: str, draft: drafts.Draft | None) -> None:
    kept = request.session.get("plan_drafts", {})
    kept.pop(key, None)
    if draft is not None:
        kept[key] = draft
    request.session["plan_drafts"] = kept


@staff_only
def plan_step(request: PanelRequest, key: str, step: str) -> HttpResponse:
    """One step of the wizard. `key` is "new" or the number of the plan being changed."""
    draft = _draft(request, key)
    missing = drafts.missing_step(draft)
    if step not in drafts.STEPS or (missing and drafts.STEPS.index(step) > drafts.STEPS.index(missing)):
        return redirect("catalog:plan-step", key, missing or "basics")
    provider = provider_of(request.principal)
    if step == "review":
        return _review(request, key, draft, provider)
    form = _form(step, draft, provider, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        draft[step] = drafts.to_session(form.cleaned_data)
        if step == "resources":
            draft = {name: values for name, values in draft.items() if name != "prices" or _prices_fit(draft)}
        _keep(request, key, draft)
        return redirect("catalog:plan-step", key, drafts.STEPS[drafts.STEPS.index(step) + 1])
    return render(request, f"catalog/step_{step}.html", _step_context(key, step) | {"form": form})


def _prices_fit(draft: drafts.Draft) -> bool:
    """Prices typed before still cover what is included now."""
    return all(f"recurrent_{name}" in draft.get("prices", {}) for name in drafts.included(draft))


def _form(step: str, draft: drafts.Draft, provider: Provider, data: Any) -> forms.Form:
    initial = draft.get(step)
    if step == "basics":
        return BasicsForm(data, initial=initial, currency=provider.currency)
    if step == "resources":
        return ResourcesForm(data, initial=initial)
    if step == "prices":
        return PricesForm(data, initial=initial, currency=provider.currency, included=drafts.included(draft))
    return PeriodsForm(data, initial=initial)


def _step_context(key: str, step: str) -> dict[str, Any]:
    place = drafts.STEPS.index(step)
    urls = [reverse("catalog:plan-step", args=[key, name]) for name in drafts.STEPS]
    return {
        "title": _("Create a plan") if key == "new" else _("Change the plan"),
        "steps": steps_of([STEP_LABELS[name] for name in drafts.STEPS], place, urls),
        "step_title": STEP_LABELS[step],
        "step_help": STEP_HELP[step],
        "back_url": urls[place - 1] if place else reverse("catalog:plans"),
    }


def _review(request: PanelRequest, key: str, draft: drafts.Draft, provider: Provider) -> HttpResponse:
    problem = ""
    if request.method == "POST":
        try:
            row = _save(request, key, draft, provider)
        except Refused as error:
            problem = f"{error.message} {error.advice}"
        else:
            _keep(request, key, None)
            messages.success(request, _("The plan %s is saved.") % row.name)
            return redirect("catalog:plan", row.pk)
    lines = [(RESOURCE_TYPES[terms.type], terms) for terms in drafts.resources(draft)]
    context = _step_context(key, "review") | {
        "draft": draft["basics"],
        "resources": lines,
        "periods": drafts.periods(draft),
        "currency": provider.currency,
        "problem": problem,
        "next_label": _("Create the plan") if key == "new" else _("Save the changes"),
    }
    return render(request, "catalog/step_review.html", context)


def _save(request: PanelRequest, key: str, draft: drafts.Draft, provider: Provider) -> Plan:
    basics = draft["basics"]
    terms: dict[str, Any] = {
        "name": basics["name"],
        "description": basics["description"],
        "access": basics["access"],
        "credit_limit_minor": basics["credit_limit"] or 0,
        "resources": drafts.resources(draft),
        "periods": drafts.periods(draft),
        "actor": request.principal,
        "now": request.clock(),
    }
    if key == "new":
        return services.create_plan(provider=provider, billing_type=basics["billing_type"], **terms)
    return services.change_plan(Plan.objects.one(request.principal, pk=int(key)), **terms)
