"""Forms about people's own access."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from django import forms
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.accounts.scopes import SCOPES


class SignInForm(LoginForm):  # type: ignore[misc]
    """allauth's form with the product's own word: a user has a login."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Login")
        self.fields["login"].widget.attrs.update({"autocapitalize": "none", "spellcheck": "false"})
        self.fields["login"].widget.attrs.pop("placeholder", None)
        self.fields["password"].widget.attrs.pop("placeholder", None)


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=80, label=_("Name"), help_text=_("What uses it, so that you know which one to revoke.")
    )
    scopes = forms.MultipleChoiceField(
        choices=list(SCOPES.items()),
        widget=forms.CheckboxSelectMultiple,
        label=_("What it may do"),
        help_text=_("Never more than you may do yourself."),
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=3650,
        required=False,
        initial=365,
        label=_("Valid for days"),
        help_text=_("Empty: until it is revoked."),
    )
