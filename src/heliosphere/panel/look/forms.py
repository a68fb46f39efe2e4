"""How forms are drawn, and the widgets and fields that carry units and money.

`Renderer` is the project's FORM_RENDERER: `{{ form }}` and `{{ field.as_field_group }}` come out with
label, help, error at the field and, for a whole form, a summary on top that links to each field.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.forms.widgets import CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select, Widget
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.platform.money import MAX_MINOR, NotMoney, exponent, parse_amount, plain_amount

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as StrOrPromise


@dataclass(frozen=True, slots=True)
class FieldLook:
    """What a field shows beyond Django's own label and help. Set with `dress`.

    `width` is how long an answer is expected to be: short, medium or full. `default` is shown as
    "Default: …" and marks the field once it differs. `more_help` opens on demand. `full_label` names the
    field where its surroundings are not seen, as in the summary of errors.
    """

    prefix: StrOrPromise = ""
    suffix: StrOrPromise = ""
    width: str = ""
    default: StrOrPromise = ""
    more_help: StrOrPromise = ""
    full_label: StrOrPromise = ""


def dress(field: forms.Field, **look: Any) -> forms.Field:
    """Give a form field its FieldLook; returns the field, so that a declaration stays one line."""
    field.look = FieldLook(**look)  # type: ignore[attr-defined]
    return field


class LookBoundField(BoundField):
    """A bound field that knows its classes, so that widgets stay Django's own."""

    @cached_property
    def look(self) -> FieldLook:
        """The declared FieldLook, completed with what a unit or money widget says itself."""
        declared: FieldLook = getattr(self.field, "look", FieldLook())
        widget = self.field.widget
        return FieldLook(
            prefix=declared.prefix or getattr(widget, "prefix", ""),
            suffix=declared.suffix or getattr(widget, "suffix", ""),
            width=declared.width or getattr(widget, "width", "full"),
            default=declared.default,
            more_help=declared.more_help,
            full_label=declared.full_label,
        )

    @property
    def is_tick(self) -> bool:
        """One checkbox: its label stands beside it, not above."""
        return isinstance(self.field.widget, CheckboxInput)

    @property
    def is_plain(self) -> bool:
        """Label above, input below: everything but ticks and groups of choices."""
        return not self.is_tick and not self.use_fieldset

    @property
    def default_differs(self) -> bool:
        default = self.look.default
        return default not in ("", None) and str(self.value()) != str(default)

    def css_classes(self, extra_classes: Any = None) -> str:
        own = f"h-field h-field-{self.look.width}"
        return " ".join(filter(None, (own, super().css_classes(extra_classes))))

    def build_widget_attrs(self, attrs: dict[str, Any], widget: Widget | None = None) -> dict[str, Any]:
        widget = widget or self.field.widget
        built: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        if not widget.is_hidden:
            given = built.get("class") or widget.attrs.get("class", "")
            invalid = "is-invalid" if self.errors else ""
            built["class"] = " ".join(filter(None, (_control_class(widget), given, invalid)))
        if self.look.default not in ("", None):
            built["data-default"] = str(self.look.default)
        return built


def _control_class(widget: Widget) -> str:
    if isinstance(widget, CheckboxInput | RadioSelect | CheckboxSelectMultiple):
        return "form-check-input"
    return "form-select" if isinstance(widget, Select) else "form-control"


class Renderer(TemplatesSetting):
    """The project's FORM_RENDERER."""

    form_template_name = "look/forms/form.html"
    formset_template_name = "look/forms/formset.html"
    field_template_name = "look/forms/field.html"
    bound_field_class = LookBoundField


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """A titled part of a long form, with one sentence that says what it is about."""

    title: StrOrPromise
    help: StrOrPromise
    names: Sequence[str]


class Grouped:
    """Mixin for a form in parts: set `groups`; the settings page draws one card per part."""

    groups: Sequence[FieldGroup] = ()

    def parts(self: Any) -> Iterator[tuple[FieldGroup, list[BoundField]]]:
        """Every part with its bound fields; fields in no part come last, untitled."""
        named = {name for group in self.groups for name in group.names}
        for group in self.groups:
            yield group, [self[name] for name in group.names if name in self.fields]
        rest = [field for field in self.visible_fields() if field.name not in named]
        if rest:
            yield FieldGroup("", "", ()), rest


class UnitInput(forms.NumberInput):
    """A number with its unit after it: UnitInput("MB")."""

    width = "short"

    def __init__(self, unit: StrOrPromise, attrs: dict[str, Any] | None = None) -> None:
        self.suffix = unit
        super().__init__({"inputmode": "numeric", **(attrs or {})})


class MoneyInput(forms.TextInput):
    """An amount with its currency before it. Text, so that "12,50" reaches us as typed."""

    width = "short"

    def __init__(self, currency: str, attrs: dict[str, Any] | None = None) -> None:
        self.prefix = currency
        super().__init__({"inputmode": "decimal", "autocomplete": "off", **(attrs or {})})


class MoneyField(forms.Field):
    """Minor units of one currency: cleans "12.50" to 1250, shows 1250 as "12.50"."""

    default_error_messages = {
        "not-a-number": _("Enter an amount such as 12.50."),
        "too-large": _("This amount is too large."),
        "too-precise": _("Enter at most %(digits)s digits after the point."),
        "negative": _("Enter zero or more."),
    }

    def __init__(self, *, currency: str, allow_negative: bool = False, **kwargs: Any) -> None:
        self.currency, self.allow_negative = currency, allow_negative
        kwargs.setdefault("widget", MoneyInput(currency))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return plain_amount(value, self.currency) if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        try:
            minor = value if isinstance(value, int) else parse_amount(str(value), self.currency)
        except NotMoney as error:
            code = str(error)
            digits = {"digits": exponent(self.currency)}
            raise ValidationError(self.error_messages[code], code=code, params=digits) from error
        if abs(minor) > MAX_MINOR:
            raise ValidationError(self.error_messages["too-large"], code="too-large")
        if minor < 0 and not self.allow_negative:
            raise ValidationError(self.error_messages["negative"], code="negative")
        return minor

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.to_python(data))
        except ValidationError:
            return True


class ConfirmForm(forms.Form):
    """The last question before a dangerous act: the name typed again, when `name` is given."""

    confirm_name = forms.CharField(required=False)

    def __init__(self, *args: Any, name: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        field = self.fields["confirm_name"]
        if not name:
            del self.fields["confirm_name"]
            return
        field.required = True
        field.label = _("Type %(name)s to confirm") % {"name": name}
        field.widget.attrs.update({"autocomplete": "off", "spellcheck": "false", "data-confirm-name": name})

    def clean_confirm_name(self) -> str:
        typed = str(self.cleaned_data["confirm_name"]).strip()
        if typed != self.name:
            raise ValidationError(_("This is not the name. Nothing was changed."), code="other-name")
        return typed
