"""Forms of mailboxes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.look.forms import UnitInput, dress
from heliosphere.panel.mail.rules import LARGEST_QUOTA_MB
from heliosphere.panel.mail.services import check_password
from heliosphere.panel.platform.errors import Refused


def _password(label: Any, *, required: bool) -> forms.CharField:
    widget = forms.PasswordInput({"autocomplete": "new-password"}, render_value=False)
    return forms.CharField(max_length=128, label=label, required=required, widget=widget)


class MailboxForm(forms.Form):
    """A new mailbox, or an existing one when `address` is given: its name stays, an empty password too."""

    local = forms.CharField(
        max_length=64,
        label=_("Address"),
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false"}),
    )
    quota_mb = forms.IntegerField(
        min_value=0,
        max_value=LARGEST_QUOTA_MB,
        initial=500,
        label=_("Quota"),
        help_text=_("Mail beyond it is returned to its sender. 0 means no limit."),
        widget=UnitInput("MB"),
    )
    comment = forms.CharField(max_length=100, required=False, label=_("Comment"))

    def __init__(self, *args: Any, domain: str, address: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_new = not address
        self.known_local = address.partition("@")[0]
        self.fields["password"] = _password(_("Password"), required=is_new)
        self.fields["password"].help_text = (
            _("At least 10 characters.") if is_new else _("Leave empty to keep the one in use.")
        )
        self.fields["repeat"] = _password(_("Password again"), required=is_new)
        self.order_fields(["local", "password", "repeat", "quota_mb", "comment"])
        if is_new:
            dress(self.fields["local"], suffix=f"@{domain}")
        else:
            del self.fields["local"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("password") and values.get("repeat") != values["password"]:
            self.add_error("repeat", _("The two passwords differ."))
        elif values.get("password"):
            try:
                check_password(values["password"], str(values.get("local") or self.known_local))
            except Refused as error:
                self.add_error("password", str(error.message))
        return values
