"""The public door: the list of plans, and the wizard from a plan to an account."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import login as sign_in
from django.contrib.auth.hashers import make_password
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.panel.accounts import queries as accounts
from heliosphere.panel.accounts.doors import PanelRequest
from heliosphere.panel.catalog import queries as catalog
from heliosphere.panel.look.parts import steps_of
from heliosphere.panel.platform import limits
from heliosphere.panel.platform.errors import NotYours, Refused, Trouble, TryLater
from heliosphere.panel.signup import forms as wizard
from heliosphere.panel.signup import queries, rules, services
from heliosphere.panel.signup.charges import period_choices, plan_from
from heliosphere.panel.signup.models import RequestState, SignupRequest

STEP_LABELS = {
    "period": gettext_lazy("Billing"),
    "domain": gettext_lazy("Domain"),
    "contact": gettext_lazy("Contact"),
    "payment": gettext_lazy("Payment"),
    "login": gettext_lazy("Login"),
    "confirm": gettext_lazy("Confirm"),
}
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def plan_list(request: PanelRequest) -> HttpResponse:
    """What can be bought, with what it costs from."""
    provider = accounts.owner()
    plans = catalog.plans_for_signup(provider, by_staff=False).prefetch_related("resources", "periods")
    context = {
        "title": _("Hosting plans"),
        "provider": provider,
        "plans": [plan_from(plan, request.clock().date()) for plan in plans],
    }
    return render(request, "signup/plans.html", context)


def start(request: PanelRequest, plan_id: int) -> HttpResponse:
    """A link anyone may be given: the first step. The draft is made when that step is sent."""
    plan = catalog.plan_called(plan_id)
    if plan is None:
        raise NotYours(_("This plan is not open for signup."))
    by_staff = request.principal.is_staff and request.principal.provider_id == plan.provider_id
    address = request.META.get("REMOTE_ADDR", "")
    row = services.blank(plan, by_staff=by_staff, address=address, now=request.clock())
    form = _form(row, "period", _posted(request), request.clock().date())
    if request.method == "POST" and form.is_valid():
        limits.spend("signup-start", address, most=120, seconds=3600)
        row = services.start(plan, by_staff=by_staff, address=address, now=request.clock())
        services.choose_period(row, int(form.cleaned_data["period"]))
        return redirect("signup:step", row.token, "domain")
    return render(request, "signup/step.html", _context(request, row, "period") | {"form": form})


def step(request: PanelRequest, token: str, step: str) -> HttpResponse:
    """One step. What was typed stays when it is refused; a step too far goes back to the missing one."""
    row = services.draft(token)
    if row.state != RequestState.DRAFT:
        return redirect("signup:result", token)
    missing = queries.missing_step(row)
    if step not in rules.STEPS or (missing and rules.STEPS.index(step) > rules.STEPS.index(missing)):
        return redirect("signup:step", token, missing or "confirm")
    if step == "confirm":
        return _confirm(request, row)
    form = _form(row, step, _posted(request), request.clock().date())
    if request.method == "POST" and form.is_valid() and _took(row, step, form):
        return redirect("signup:step", token, rules.STEPS[rules.STEPS.index(step) + 1])
    return render(request, "signup/step.html", _context(request, row, step) | {"form": form})


def _posted(request: PanelRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _form(row: SignupRequest, step: str, data: Any, today: date) -> forms.Form:
    if step == "period":
        choices = period_choices(row.plan, today)
        initial = {"period": row.period_id or choices[0][0]}
        return wizard.PeriodForm(data, initial=initial, choices=choices)
    if step == "domain":
        zone = row.provider.service_zone
        label = row.domain.removesuffix(f".{zone}") if row.domain_kind == "third_level" else ""
        initial_domain = {
            "kind": row.domain_kind or "third_level",
            "label": label,
            "domain": row.domain if row.domain_kind == "existing" else "",
        }
        return wizard.DomainForm(data, initial=initial_domain, zone=zone)
    if step == "contact":
        return wizard.ContactForm(data, initial=row.contact)
    if step == "payment":
        types = queries.payment_types(row.plan)
        chosen = {"payment_type": row.payment_type or (types[0] if types else "")}
        return wizard.PaymentForm(data, initial=chosen, plan=row.plan)
    return wizard.LoginForm(data, initial={"login": row.login})


def _took(row: SignupRequest, step: str, form: forms.Form) -> bool:
    """Hand the step to its service; a refusal becomes an error at its field."""
    values = form.cleaned_data
    try:
        if step == "period":
            services.choose_period(row, int(values["period"]))
        elif isinstance(form, wizard.DomainForm):
            services.choose_domain(row, values["kind"], form.typed())
        elif step == "contact":
            services.give_contact(row, values)
        elif step == "payment":
            services.choose_payment(row, values["payment_type"])
        else:
            services.choose_login(row, values["login"], make_password(values["password"]))
    except services.ContactRefused as error:
        for name, text in error.problems.items():
            form.add_error(name, text)
        return False
    except Refused as error:
        field = error.field if error.field in form.fields else None
        if isinstance(form, wizard.DomainForm):
            field = form.field_of(values["kind"])
        form.add_error(field, f"{error.message} {error.advice}".strip())
        return False
    return True


def _context(request: PanelRequest, row: SignupRequest, step: str) -> dict[str, Any]:
    request.brand = row.provider.name
    place = rules.STEPS.index(step)
    urls = [reverse("signup:step", args=[row.token, name]) for name in rules.STEPS] if row.pk else []
    return {
        "title": _("Sign up for %s") % row.plan.name,
        "steps": steps_of([STEP_LABELS[name] for name in rules.STEPS], place, urls),
        "step": step,
        "request_row": row,
        "document": services.preview(row, request.clock().date()),
        "back_url": urls[place - 1] if place else reverse("signup:plans"),
        "name_servers": queries.name_server_names(),
    }


def _confirm(request: PanelRequest, row: SignupRequest) -> HttpResponse:
    trouble: Trouble | None = None
    if request.method == "POST":
        limits.spend("signup", request.META.get("REMOTE_ADDR", ""), most=30, seconds=3600)
        try:
            shown = int(request.POST.get("shown_total", "-1")[:20])
        except ValueError:
            shown = -1
        try:
            return _sent(request, _submit(request, row, shown))
        except (Refused, TryLater) as error:
            trouble = error
            row = services.draft(row.token)
            if error.field in rules.STEPS and error.field != "confirm":
                return redirect("signup:step", row.token, error.field)
    context = _context(request, row, "confirm") | {"trouble": trouble}
    return render(
        request, "signup/confirm.html", context, status=503 if isinstance(trouble, TryLater) else 200
    )


def _submit(request: PanelRequest, row: SignupRequest, shown: int) -> SignupRequest:
    back = request.build_absolute_uri(reverse("signup:paid", args=["x"])).removesuffix("x/")
    return services.submit(
        row, shown_total=shown, return_url=back, actor=request.principal, now=request.clock()
    )


def _sent(request: PanelRequest, row: SignupRequest) -> HttpResponse:
    if row.state == RequestState.PAYING and row.card_payment is not None:
        return redirect(row.card_payment.page_url)
    request.session["signup_token"] = row.token
    return redirect("signup:result", row.token)


def paid(request: PanelRequest, token: str) -> HttpResponse:
    """Back from the gateway's page. What happened is asked from the gateway, not read from the address."""
    try:
        row = services.card_came_back(token.rstrip("/"), actor=request.principal, now=request.clock())
    except TryLater:
        return render(request, "signup/wait.html", {"title": _("Asking the payment service")}, status=503)
    except Refused as error:
        if isinstance(error, NotYours):
            raise
        context = {
            "title": _("The card was not charged"),
            "trouble": error,
            "token": error.facts.get("token"),
        }
        return render(request, "signup/declined.html", context)
    request.session["signup_token"] = row.token
    return redirect("signup:result", row.token)


def result(request: PanelRequest, token: str) -> HttpResponse:
    """What became of the signup. Whoever opened the account in this browser is signed in to watch it."""
    row = services.draft(token)
    request.brand = row.provider.name
    if row.state == RequestState.DRAFT:
        return redirect("signup:step", token, queries.missing_step(row) or "confirm")
    if row.state == RequestState.DONE and row.account is not None:
        if request.principal.is_staff:
            return redirect("hosting:account", row.account_id)
        if request.session.get("signup_token") == row.token and not request.user.is_authenticated:
            del request.session["signup_token"]
            sign_in(request, row.account.user, backend=BACKEND)
        if request.user.is_authenticated and row.job_group_id:
            return redirect("hosting:group", row.job_group_id)
    return render(request, "signup/result.html", {"title": _("Your signup"), "row": row})
