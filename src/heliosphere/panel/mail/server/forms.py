"""Forms of mail servers: the settings, made from the registry of controls, and the questions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.contracts.controls.registry import BadValue, Control, read_value
from heliosphere.contracts.mail_server import ControlsFound, ControlState, ExplainSession, FindSessions
from heliosphere.panel.look.forms import FieldGroup, dress
from heliosphere.panel.mail.server import rules
from heliosphere.panel.mail.server.queries import Reach
from heliosphere.panel.mail.server.services import LARGEST_MESSAGE, MOST_RECIPIENTS
from heliosphere.panel.mail.server.wording import STAGE_TEXTS, said_wrong

_LONGEST_LIST = 1_000_000
_LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Setting:
    """One control on the page. `to_default` and `to_empty` are ticks that stand beside the field, or None.

    `wrong` is what the server cannot use of the value it has, `remarks` what it uses and is worth a word.
    """

    control: Control[Any]
    state: ControlState
    field: BoundField
    default: str
    to_default: BoundField | None
    to_empty: BoundField | None
    wrong: list[str]
    remarks: list[str]
    is_shown: bool

    @property
    def is_set(self) -> bool:
        return self.state.source != "default"

    @property
    def words(self) -> str:
        """What the search looks in."""
        return _words(self.control)


class ControlsForm(forms.Form):
    """Every control of the panel with the value it has; cleans to `values`, what was changed of it.

    `seen` holds a short name of each value as it was shown, so that what somebody else changed in the
    meantime is neither overwritten nor taken for a change. `wanted` are changes to show already made.
    """

    seen = forms.CharField(widget=forms.HiddenInput, max_length=20_000)

    def __init__(
        self,
        *args: Any,
        found: ControlsFound,
        wanted: Mapping[str, str | None] | None = None,
        search: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.states = {one.name: one for one in found.controls}
        self.controls = [control for control in rules.in_panel() if control.name in self.states]
        self.search = search.lower().split()
        self.wanted = dict(wanted or {})
        self.values: dict[str, str | None] = {}
        self.remarks: list[str] = []
        in_force = {name: _value(control, self._text(control)) for name, control in self._named()}
        self._defaults = {name: rules.default_text(control, in_force) for name, control in self._named()}
        for control in self.controls:
            self._add(control)
        digests = {control.name: rules.digest(self._spelled(control)) for control in self.controls}
        self.initial["seen"] = json.dumps(digests, separators=(",", ":"))

    def _named(self) -> Iterator[tuple[str, Control[Any]]]:
        return ((control.name, control) for control in self.controls)

    def _text(self, control: Control[Any]) -> str | None:
        return self.states[control.name].text

    def _spelled(self, control: Control[Any]) -> str | None:
        return rules.one_spelling(control, self._text(control))

    # Fields

    def _add(self, control: Control[Any]) -> None:
        shown = self._spelled(control)
        if control.name in self.wanted:
            shown = rules.one_spelling(control, self.wanted[control.name])
        self.initial[control.name] = shown == "1" if control.kind == "flag" else shown
        self.fields[control.name] = _field(control, self._defaults[control.name])
        if control.kind == "lines":
            self.fields[control.name].widget.attrs["rows"] = _rows(shown)
        if self.states[control.name].source != "default":
            label = _("Put it back to the default")
            self.fields[f"default.{control.name}"] = forms.BooleanField(required=False, label=label)
            self.initial[f"default.{control.name}"] = self.wanted.get(control.name, "") is None
        if control.empty_means:
            label = _("Nothing, on purpose. %s") % control.empty_means
            self.fields[f"empty.{control.name}"] = forms.BooleanField(required=False, label=label)
            self.initial[f"empty.{control.name}"] = shown == ""

    def parts(self) -> Iterator[tuple[FieldGroup, list[Setting], bool]]:
        """Each stage with its settings, and whether the search shows any of it."""
        for stage in rules.STAGES:
            settings = [self._setting(control) for control in self.controls if control.stage == stage]
            if settings:
                names = [one.control.name for one in settings]
                yield FieldGroup(*STAGE_TEXTS[stage], names), settings, any(one.is_shown for one in settings)

    def _setting(self, control: Control[Any]) -> Setting:
        state = self.states[control.name]
        problems = rules.problems(control.name, state.text)
        return Setting(
            control,
            state,
            self[control.name],
            _default_words(control, self._defaults[control.name]),
            self._tick(f"default.{control.name}"),
            self._tick(f"empty.{control.name}"),
            [f"{said_wrong(one)} {_in_force(one)}".strip() for one in problems if not one.is_remark],
            [said_wrong(one) for one in problems if one.is_remark],
            all(word in _words(control) for word in self.search),
        )

    def _tick(self, name: str) -> BoundField | None:
        return self[name] if name in self.fields else None

    # Input

    def clean_seen(self) -> dict[str, str]:
        try:
            seen = json.loads(self.cleaned_data["seen"])
        except ValueError:
            seen = None
        if not isinstance(seen, dict):
            raise forms.ValidationError(_("This page is not whole. Open it again."))
        return {str(name): str(value) for name, value in seen.items()}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        seen = cleaned.get("seen")
        if isinstance(seen, dict):
            for control in self.controls:
                if control.name in seen and control.name in cleaned:
                    self._judge(control, cleaned, seen[control.name])
        return cleaned

    def _judge(self, control: Control[Any], cleaned: dict[str, Any], seen: str) -> None:
        """Whether this control was changed, and to what; what is wrong goes to its field."""
        name = control.name
        goes_back = bool(cleaned.get(f"default.{name}"))
        spelled = None if goes_back else _typed(control, cleaned)
        if not goes_back and rules.digest(spelled) == seen:
            return
        if rules.digest(self._spelled(control)) != seen:
            self.add_error(name, _("Somebody changed this since you opened the page. Look at it anew."))
            return
        text = None if goes_back else rules.text_for(control, spelled)
        if text is None and self.states[name].source == "default":
            return
        self.values[name] = text
        for bad in rules.problems(name, text):
            if bad.is_remark:
                self.remarks.append(f"{name}: {said_wrong(bad)}")
            else:
                self.add_error(name, said_wrong(bad))


def _rows(text: str | None) -> int:
    """Lines of a list that are seen at once."""
    return min(12, (text or "").count("\n") + 2)


def _words(control: Control[Any]) -> str:
    return " ".join((control.name, control.summary, control.caution, control.example)).lower()


def _typed(control: Control[Any], cleaned: Mapping[str, Any]) -> str | None:
    value = cleaned[control.name]
    if control.kind == "flag":
        return "1" if value else "0"
    if not value and control.empty_means:
        return "" if cleaned.get(f"empty.{control.name}") else None
    return rules.one_spelling(control, value or None)


def _field(control: Control[Any], default: str | None) -> forms.Field:
    about: dict[str, Any] = {"required": False, "label": control.name, "help_text": control.summary}
    plain = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
    if control.kind == "flag":
        return forms.BooleanField(**about, widget=forms.CheckboxInput({"role": "switch"}))
    if control.kind == "lines":
        area = forms.Textarea({**plain, "class": "h-mono", "wrap": "off"})
        return forms.CharField(**about, max_length=_LONGEST_LIST, strip=False, widget=area)
    if control.kind == "number":
        number = forms.TextInput({**plain, "inputmode": "numeric", "placeholder": default or ""})
        return dress(forms.CharField(**about, max_length=30, widget=number), width="short")
    line = forms.TextInput({**plain, "placeholder": default or ""})
    return dress(forms.CharField(**about, max_length=_LONGEST_TEXT, widget=line), width="medium")


def _default_words(control: Control[Any], default: str | None) -> str:
    if control.kind == "flag":
        return _("on") if default == "1" else _("off")
    if default is None:
        return _("no entries") if control.kind == "lines" else _("the server's name")
    return default or _("nothing")


def _value(control: Control[Any], text: str | None) -> object:
    return control.default if text is None else read_value(control, text)[0]


def _in_force(bad: BadValue) -> str:
    """What the server does in place of a value it cannot use."""
    if bad.line == 0 or not bad.used or bad.used == "None":
        return ""
    return _("In force instead: %s.") % bad.used


class SessionsForm(forms.Form):
    """Which recorded sessions to look up. One server alone is not asked for."""

    sender = forms.CharField(required=False, max_length=320, label=gettext_lazy("Sender"))
    recipient = forms.CharField(required=False, max_length=320, label=gettext_lazy("Recipient"))
    ip = forms.CharField(required=False, max_length=45, label=gettext_lazy("Client's IP address"))
    only_refused = forms.BooleanField(required=False, label=gettext_lazy("Only what was refused"))

    def __init__(self, *args: Any, reach: list[Reach], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _add_server(self, reach)

    def question(self) -> FindSessions:
        values = self.cleaned_data
        return FindSessions(
            sender=values["sender"],
            recipient=values["recipient"],
            ip=values["ip"],
            only_refused=values["only_refused"],
        )


class ExplainForm(forms.Form):
    """A session to go through without holding it."""

    ip = forms.GenericIPAddressField(label=gettext_lazy("Client's IP address"))
    helo = forms.CharField(
        max_length=320,
        label=gettext_lazy("Greeting"),
        help_text=gettext_lazy("The name the client gives in HELO or EHLO."),
    )
    sender = forms.CharField(
        required=False,
        max_length=320,
        label=gettext_lazy("Sender"),
        help_text=gettext_lazy("Leave it empty for a bounce."),
    )
    recipients = forms.CharField(
        max_length=20_000,
        label=gettext_lazy("Recipients"),
        help_text=gettext_lazy("One a line."),
        widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
    )
    login = forms.CharField(
        required=False,
        max_length=320,
        label=gettext_lazy("Signed in as"),
        help_text=gettext_lazy("The mailbox the client signed in with, if it did."),
    )
    submission = forms.BooleanField(required=False, label=gettext_lazy("On a submission port (587 or 465)"))
    tls = forms.BooleanField(required=False, label=gettext_lazy("The connection is encrypted"))
    size = forms.IntegerField(
        required=False, min_value=0, max_value=10**12, label=gettext_lazy("Announced size in bytes")
    )
    message = forms.CharField(
        required=False,
        max_length=LARGEST_MESSAGE,
        strip=False,
        label=gettext_lazy("Message"),
        help_text=gettext_lazy("With its header, to check signatures and content too. At most 1 MB."),
        widget=forms.Textarea({"rows": 6, "spellcheck": "false", "class": "h-mono"}),
    )
    message_file = forms.FileField(
        required=False,
        max_length=200,
        label=gettext_lazy("Message from a file"),
        help_text=gettext_lazy("In place of the text above. Characters that are not UTF-8 are replaced."),
    )

    def __init__(self, *args: Any, reach: list[Reach], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("ip", "size"):
            dress(self.fields[name], width="short")
        for name in ("helo", "sender", "login"):
            dress(self.fields[name], width="medium")
        _add_server(self, reach)

    def clean_recipients(self) -> tuple[str, ...]:
        lines = (line.strip() for line in self.cleaned_data["recipients"].splitlines())
        found = tuple(line for line in lines if line)
        if len(found) > MOST_RECIPIENTS:
            raise forms.ValidationError(_("Name at most %d recipients.") % MOST_RECIPIENTS)
        return found

    def clean_message_file(self) -> str | None:
        file = self.cleaned_data["message_file"]
        if file is None:
            return None
        if file.size > LARGEST_MESSAGE:
            raise forms.ValidationError(_("The message is larger than 1 MB."))
        return str(file.read().decode("utf-8", "replace")).replace("\0", "\N{REPLACEMENT CHARACTER}")

    def question(self) -> ExplainSession:
        values = self.cleaned_data
        typed = values["message"].replace("\r\n", "\n") or None
        return ExplainSession(
            values["ip"],
            values["helo"],
            values["sender"],
            values["recipients"],
            values["login"],
            values["submission"],
            values["tls"],
            values["size"] or 0,
            values["message_file"] or typed,
        )


def _add_server(form: forms.Form, reach: list[Reach]) -> None:
    """Ask which server is meant where there are several."""
    choices = [(one.server.pk, one.server.name) for one in reach]
    widget = forms.Select() if len(choices) > 1 else forms.HiddenInput()
    form.fields["server"] = forms.TypedChoiceField(
        choices=choices, coerce=int, label=_("Mail server"), initial=choices[0][0], widget=widget
    )
    form.order_fields(["server"])
