"""The first-run checklist: the guide's steps for a new installation, with what is done and where to go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.accounts.models import Provider
from heliosphere.panel.catalog.models import Plan, PlanPeriod

State = Literal["done", "todo", "later"]


@dataclass(frozen=True)
class SetupStep:
    """`look` tells whether it is done; None: its screen comes later."""

    name: str
    title: str | Promise
    text: str | Promise
    url_name: str = ""
    look: Callable[[Provider], bool] | None = None


@dataclass(frozen=True, slots=True)
class StepNow:
    step: SetupStep
    state: State


def _pays(provider: Provider) -> bool:
    return provider.accept_checks or provider.accept_cards


def _has_plan(provider: Provider) -> bool:
    return Plan.everything.filter(provider=provider, deleted_at__isnull=True).exists()


def _has_periods(provider: Provider) -> bool:
    return PlanPeriod.objects.filter(plan__provider=provider, plan__deleted_at__isnull=True).exists()


def _has_company(provider: Provider) -> bool:
    return bool(provider.name and provider.address and provider.email)


#: In the order of the guide's chapter on setting up (004).
STEPS = (
    SetupStep(
        "globals",
        _("Disable what you never offer"),
        _("Resources and platforms no plan of yours shall have."),
    ),
    SetupStep(
        "registrar", _("Connect a domain registrar"), _("To sell domain names with prices of your own.")
    ),
    SetupStep(
        "notifications", _("Choose who is notified"), _("Addresses of your staff for each kind of notice.")
    ),
    SetupStep(
        "payment",
        _("Set up payment"),
        _("Cards through a gateway, checks, or both."),
        "billing:payment-settings",
        _pays,
    ),
    SetupStep("plans", _("Create a plan"), _("What customers sign up for."), "catalog:plans", _has_plan),
    SetupStep(
        "periods",
        _("Offer billing periods"),
        _("In the plan's wizard: months, years, and their discounts."),
        "catalog:plans",
        _has_periods,
    ),
    SetupStep("support", _("Open the support center"), _("Tickets, and staff to answer them.")),
    SetupStep(
        "look",
        _("Give it your name and look"),
        _("Company, address and the default look customers see."),
        "hosting:company",
        _has_company,
    ),
)


def checklist(provider: Provider) -> list[StepNow]:
    """Every step with its state for this provider."""
    return [
        StepNow(step, "later" if step.look is None else "done" if step.look(provider) else "todo")
        for step in STEPS
    ]
