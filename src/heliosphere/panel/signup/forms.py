"""The wizard's forms. They gather; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.text import format_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.billing.gateways.base import GATEWAYS
from heliosphere.panel.catalog.models import Plan
from heliosphere.panel.look.forms import MoneyField
from heliosphere.panel.signup import queries, rules
from heliosphere.panel.signup.models import SignupRequest
from heliosphere.panel.signup.services.drafts import CONTACT_TEXTS

PAYMENT_LABELS = {
    "card": _("Card"),
    "check": _("Check: staff open the account when they have looked at it"),
    "free": _("Nothing to pay"),
}


PAYMENT_WORDS = {"card": _("Card"), "check": _("Check"), "free": _("Nothing to pay")}


class PeriodForm(forms.Form):
    period = forms.ChoiceField(widget=forms.RadioSelect, label=_("How often do you want to be billed?"))

    def __init__(self, *args: Any, choices: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["period"].choices = choices  # type: ignore[attr-defined]


class DomainForm(forms.Form):
    kind = forms.ChoiceField(widget=forms.RadioSelect, label=_("Which name shall your site and mail have?"))
    label = forms.CharField(
        required=False, max_length=200, label=_("Name under our domain"), help_text=_("For example: anna")
    )
    domain = forms.CharField(
        required=False,
        max_length=300,
        label=_("Your domain"),
        help_text=_("Registered elsewhere. We tell you which name servers to enter there."),
    )

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            ("third_level", _("A name under %s") % zone),
            ("existing", _("A domain I have already")),
            ("none", _("No domain for now")),
        ]
        self.fields["label"].widget.attrs["autocapitalize"] = "none"
        self.fields["domain"].widget.attrs["autocapitalize"] = "none"

    def typed(self) -> str:
        """The text that belongs to the chosen kind."""
        values = self.cleaned_data
        return str(values["label"] if values["kind"] == "third_level" else values["domain"])

    def field_of(self, kind: str) -> str:
        """The input a refusal about this kind belongs to."""
        return {"third_level": "label", "existing": "domain"}.get(kind, "kind")


class ContactForm(forms.Form):
    first_name = forms.CharField(
        label=_("First name"), widget=forms.TextInput({"autocomplete": "given-name"})
    )
    last_name = forms.CharField(label=_("Last name"), widget=forms.TextInput({"autocomplete": "family-name"}))
    company = forms.CharField(
        required=False, label=_("Company"), widget=forms.TextInput({"autocomplete": "organization"})
    )
    address = forms.CharField(label=_("Address"), widget=forms.TextInput({"autocomplete": "street-address"}))
    postal_code = forms.CharField(
        label=_("Postal code"), widget=forms.TextInput({"autocomplete": "postal-code"})
    )
    city = forms.CharField(label=_("City"), widget=forms.TextInput({"autocomplete": "address-level2"}))
    state = forms.CharField(
        required=False,
        label=_("State or province"),
        widget=forms.TextInput({"autocomplete": "address-level1"}),
    )
    country = forms.ChoiceField(label=_("Country"), widget=forms.Select({"autocomplete": "country"}))
    email = forms.CharField(
        label=_("E-mail"),
        help_text=_("Bills and notices go there."),
        widget=forms.EmailInput({"autocomplete": "email"}),
    )
    phone = forms.CharField(required=False, label=_("Phone"), widget=forms.TextInput({"autocomplete": "tel"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = queries.country_names(get_language() or "en")
        self.fields["country"].choices = [("", _("Choose")), *names.items()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """All that is wrong at once, in the service's words; empty fields have Django's own."""
        values = super().clean() or {}
        typed = {name: str(values.get(name, "")) for name in self.fields}
        for name, code in rules.contact_problems(typed).items():
            if code != "required" and name not in self.errors:
                self.add_error(name, CONTACT_TEXTS[code])
        return values


class PaymentForm(forms.Form):
    payment_type = forms.ChoiceField(widget=forms.RadioSelect, label=_("How do you want to pay?"))

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels: dict[str, Any] = dict(PAYMENT_LABELS)
        labels["card"] = format_lazy("{}: {}", _("Card"), next(iter(GATEWAYS)).label)
        self.fields["payment_type"].choices = [  # type: ignore[attr-defined]
            (name, labels[name]) for name in queries.payment_types(plan)
        ]


class LoginForm(forms.Form):
    login = forms.CharField(
        max_length=64,
        label=_("Login"),
        help_text=_("3 to 32 characters: small letters, digits, dot, dash, underscore."),
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        max_length=128,
        label=_("Password"),
        help_text=_("At least 10 characters."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    repeat = forms.CharField(
        max_length=128,
        label=_("Password again"),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password)
        return password

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "password" in values and values.get("repeat") != values["password"]:
            self.add_error("repeat", _("The two passwords differ."))
        return values


class ApproveForm(forms.Form):
    check_number = forms.CharField(
        required=False,
        max_length=60,
        label=_("Check number"),
        help_text=_("When the check is here: the payment is booked with the approval."),
    )

    def __init__(self, *args: Any, request_row: SignupRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if request_row.payment_type != "check":
            del self.fields["check_number"]
        else:
            self.fields["amount"] = MoneyField(
                currency=request_row.currency,
                required=False,
                label=_("Amount of the check"),
                initial=request_row.total_minor,
            )


class RejectForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        label=_("Reason"),
        help_text=_("Kept with the request; staff see it."),
        widget=forms.Textarea({"rows": 3}),
    )
