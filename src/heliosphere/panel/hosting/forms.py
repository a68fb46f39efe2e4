"""Forms of staff about accounts and the provider."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.accounts.models import Provider
from heliosphere.panel.billing.models import PaymentMethod
from heliosphere.panel.look.forms import MoneyField


class SuspendForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        label=_("Reason"),
        help_text=_("The customer reads it on the closed panel."),
        widget=forms.Textarea({"rows": 3}),
    )


class PaymentForm(forms.Form):
    method = forms.ChoiceField(
        choices=[(PaymentMethod.CHECK, _("Check")), (PaymentMethod.OTHER, _("Other"))], label=_("How it came")
    )
    reference = forms.CharField(max_length=120, label=_("Number"), help_text=_("Of the check or transfer."))
    comment = forms.CharField(max_length=200, required=False, label=_("Comment"))

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = MoneyField(currency=currency, label=_("Amount"))
        self.order_fields(["method", "amount", "reference", "comment"])


class CompanyForm(forms.ModelForm):  # type: ignore[type-arg]
    website = forms.URLField(required=False, label=_("Web site"), assume_scheme="https")

    class Meta:
        model = Provider
        fields = ("name", "address", "email", "phone", "website", "checks_info")
        labels = {
            "name": _("Company"),
            "address": _("Address"),
            "email": _("E-mail"),
            "phone": _("Phone"),
            "checks_info": _("Where checks go"),
        }
        help_texts = {
            "name": _("On every page customers see, and on invoices."),
            "email": _("Sender of notices, and where customers may write."),
            "checks_info": _("Shown to people who pay by check."),
        }
        widgets = {"checks_info": forms.Textarea({"rows": 3})}
