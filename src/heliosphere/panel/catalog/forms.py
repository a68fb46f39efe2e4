"""The steps of the plan wizard. Their cleaned values are JSON-ready, so a draft lives in the session."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.catalog.models import Access, BillingType, PeriodUnit
from heliosphere.panel.catalog.resource_types import RESOURCE_TYPES, Measure, ResourceType
from heliosphere.panel.catalog.rules import LONGEST
from heliosphere.panel.look.forms import MoneyField, UnitInput, dress


class BasicsForm(forms.Form):
    name = forms.CharField(max_length=80, label=_("Plan name"), help_text=_("Customers see it."))
    description = forms.CharField(
        max_length=300,
        required=False,
        label=_("Description"),
        help_text=_("One sentence for the list of plans."),
    )
    access = forms.ChoiceField(
        choices=Access.choices,
        widget=forms.RadioSelect,
        label=_("Who may sign up"),
        initial=Access.PUBLIC,
        help_text=_("A plan for staff only is sold from the admin panel."),
    )
    billing_type = forms.ChoiceField(
        choices=BillingType.choices,
        widget=forms.RadioSelect,
        label=_("Billing"),
        initial=BillingType.PAID,
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credit_limit"] = MoneyField(
            currency=currency,
            label=_("Credit limit"),
            initial=1000,
            help_text=_("How far an account may go below zero before it can buy nothing more."),
        )


class ResourcesForm(forms.Form):
    """Two ticks per resource type: include, and activated at signup."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in RESOURCE_TYPES:
            self.fields[f"include_{kind.name}"] = forms.BooleanField(
                required=False, label=_("Include"), initial=kind.included_by_default
            )
            self.fields[f"activate_{kind.name}"] = forms.BooleanField(
                required=False, label=_("Activated at signup"), initial=kind.activated_by_default
            )

    def rows(self) -> list[dict[str, Any]]:
        """One row per resource type, for the template."""
        return [
            {"kind": kind, "include": self[f"include_{kind.name}"], "activate": self[f"activate_{kind.name}"]}
            for kind in RESOURCE_TYPES
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not any(values.get(f"include_{kind.name}") for kind in RESOURCE_TYPES):
            raise forms.ValidationError(_("Include at least one resource."), code="none")
        return values


def _full(kind: ResourceType, label: object) -> object:
    """ "Mailbox, at most": for the summary of errors, where the heading of the row is not seen."""
    return format_lazy("{}: {}", kind.label, label)


class PricesForm(forms.Form):
    """Prices for one month, free and most units, of every included resource."""

    def __init__(self, *args: Any, currency: str, included: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds = [RESOURCE_TYPES[name] for name in included]
        for kind in self.kinds:
            self._add_fields(kind, currency)

    def _add_fields(self, kind: ResourceType, currency: str) -> None:
        labels = {"setup": _("Set-up"), "recurrent": _("Per month"), "usage": _("Above the limit")}
        for part, label in labels.items():
            self.fields[f"{part}_{kind.name}"] = dress(
                MoneyField(currency=currency, required=False, label=label, initial=0),
                full_label=_full(kind, label),
            )
        if kind.measure != Measure.SWITCH:
            self.fields[f"free_{kind.name}"] = dress(
                forms.IntegerField(
                    min_value=0,
                    max_value=10**9,
                    required=False,
                    label=_("Free units"),
                    initial=kind.default_free_units,
                    widget=UnitInput(str(kind.unit)),
                ),
                full_label=_full(kind, _("Free units")),
            )
            self.fields[f"max_{kind.name}"] = dress(
                forms.IntegerField(
                    min_value=0,
                    max_value=10**9,
                    required=False,
                    label=_("At most"),
                    widget=UnitInput(str(kind.unit)),
                ),
                width="short",
                full_label=_full(kind, _("At most")),
            )

    def rows(self) -> list[dict[str, Any]]:
        parts = ("setup", "recurrent", "usage", "free", "max")
        return [
            {
                "kind": kind,
                "fields": [self[name] for part in parts if (name := f"{part}_{kind.name}") in self.fields],
            }
            for kind in self.kinds
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for kind in self.kinds:
            most, free = values.get(f"max_{kind.name}"), values.get(f"free_{kind.name}") or 0
            if most is not None and most < free:
                self.add_error(f"max_{kind.name}", _("This is below the free units."))
        return values


class PeriodsForm(forms.Form):
    """Up to four billing periods with their discounts in per cent."""

    ROWS = 4

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in range(self.ROWS):
            self._add_row(row)

    def _add_row(self, row: int) -> None:
        choices = [("", _("no period")), *PeriodUnit.choices]
        self.fields[f"size_{row}"] = forms.IntegerField(
            min_value=1, max_value=3650, required=False, label=_("Length"), initial=1 if row == 0 else None
        )
        self.fields[f"unit_{row}"] = forms.ChoiceField(
            choices=choices, required=False, label=_("Unit"), initial="month" if row == 0 else ""
        )
        labels = {
            "setup": _("Set-up discount"),
            "recurrent": _("Recurrent discount"),
            "usage": _("Usage discount"),
        }
        for part, label in labels.items():
            self.fields[f"{part}_discount_{row}"] = forms.DecimalField(
                min_value=0,
                max_value=100,
                decimal_places=2,
                required=False,
                label=label,
                widget=UnitInput("%"),
            )

    def rows(self) -> list[list[Any]]:
        names = ("size", "unit", "setup_discount", "recurrent_discount", "usage_discount")
        return [[self[f"{name}_{row}"] for name in names] for row in range(self.ROWS)]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        seen: set[tuple[str, int]] = set()
        for row in range(self.ROWS):
            unit, size = values.get(f"unit_{row}"), values.get(f"size_{row}")
            if not unit:
                continue
            if not size:
                self.add_error(f"size_{row}", _("How many?"))
            elif size > LONGEST[unit]:
                self.add_error(f"size_{row}", _("At most %d.") % LONGEST[unit])
            elif (unit, size) in seen:
                self.add_error(f"size_{row}", _("This period is there already."))
            else:
                seen.add((unit, size))
        if not seen and not self.errors:
            raise forms.ValidationError(_("Give at least one billing period."), code="none")
        return values
