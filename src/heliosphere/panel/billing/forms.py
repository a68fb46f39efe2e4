"""Forms of the provider's money settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.look.forms import UnitInput


class PaymentSettingsForm(forms.Form):
    accept_checks = forms.BooleanField(
        required=False, label=_("Accept checks"), help_text=_("Signups by check wait for your approval.")
    )
    accept_cards = forms.BooleanField(
        required=False, label=_("Accept cards"), help_text=_("Through the gateway below.")
    )


class TaxForm(forms.Form):
    description = forms.CharField(
        max_length=80,
        label=_("Description"),
        help_text=_("As it stands on invoices, for example: VAT. The rate is added."),
    )
    rate = forms.DecimalField(
        min_value=0,
        max_value=100,
        decimal_places=4,
        label=_("Rate"),
        widget=UnitInput("%", {"step": "0.0001"}),
    )
    country = forms.CharField(
        max_length=2,
        required=False,
        label=_("Country"),
        help_text=_("Two letters, such as DE. Empty: everywhere."),
    )
    inside = forms.ChoiceField(
        choices=[("1", _("Customers in this country")), ("0", _("Customers outside of it"))],
        label=_("Who pays it"),
    )

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).strip().upper()
        if country and not (len(country) == 2 and country.isalpha()):
            raise forms.ValidationError(_("Two letters, such as DE."), code="country")
        return country

    def rate_ppm(self) -> int:
        """Per cent typed, parts per million kept."""
        return int(Decimal(self.cleaned_data["rate"]) * 10_000)


def initial_settings(provider: Any) -> dict[str, bool]:
    return {"accept_checks": provider.accept_checks, "accept_cards": provider.accept_cards}
