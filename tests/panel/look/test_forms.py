"""Forms: label, help and error belong to their field; money comes in and out exactly."""

from __future__ import annotations

import pytest
from django import forms

from heliosphere.panel.look.forms import ConfirmForm, FieldGroup, Grouped, MoneyField, UnitInput, dress


class PlanForm(Grouped, forms.Form):
    name = forms.CharField(label="Plan name", help_text="Customers see it.")
    price = MoneyField(label="Price", currency="EUR")
    quota = dress(forms.IntegerField(label="Quota", widget=UnitInput("MB")), default="500")
    access = forms.ChoiceField(
        label="Access", choices=[("a", "All")], widget=forms.RadioSelect, required=False
    )
    on_sale = forms.BooleanField(label="On sale", required=False)
    groups = (FieldGroup("Name and price", "What it costs.", ("name", "price")),)


def test_an_error_stands_at_its_field_and_in_a_summary_that_leads_there() -> None:
    html = str(PlanForm({"name": "", "price": "5", "quota": "7"}))
    assert 'href="#id_name"' in html
    assert "Plan name: This field is required." in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_name_error"' in html
    assert "Please correct one thing" in html


def test_what_was_typed_stays() -> None:
    assert 'value="4.999"' in str(PlanForm({"name": "", "price": "4.999", "quota": "x"}))


def test_a_form_without_errors_has_no_summary() -> None:
    assert 'role="alert"' not in str(PlanForm())


def test_units_and_currency_are_seen_and_read_out() -> None:
    html = str(PlanForm())
    assert '<span class="input-group-text" aria-hidden="true">MB</span>' in html
    assert '<span class="visually-hidden"> (EUR)</span>' in html


def test_optional_fields_say_so_and_ticks_do_not() -> None:
    form = PlanForm()
    assert "optional" in form["access"].as_field_group()
    assert "optional" not in form["name"].as_field_group()
    assert "optional" not in form["on_sale"].as_field_group()


def test_the_default_is_shown_and_a_change_marked() -> None:
    assert "Default: 500" in PlanForm()["quota"].as_field_group()
    assert "h-changed" in PlanForm(initial={"quota": 700})["quota"].as_field_group().split(">")[0]
    assert "h-changed" not in PlanForm(initial={"quota": 500})["quota"].as_field_group().split(">")[0]


def test_fields_in_no_group_are_not_lost() -> None:
    parts = [(group.title, [field.name for field in fields]) for group, fields in PlanForm().parts()]
    assert parts == [("Name and price", ["name", "price"]), ("", ["quota", "access", "on_sale"])]


@pytest.mark.parametrize(("typed", "minor"), [("12.50", 1250), ("12,5", 1250), ("0", 0), (" 7 ", 700)])
def test_an_amount_is_read_exactly(typed: str, minor: int) -> None:
    assert MoneyField(currency="EUR").clean(typed) == minor


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("12.345", "too-precise"),
        ("twelve", "not-a-number"),
        ("-1", "negative"),
        ("99999999999999999", "too-large"),
        ("", "required"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_reason(typed: str, code: str) -> None:
    with pytest.raises(forms.ValidationError) as refused:
        MoneyField(currency="EUR").clean(typed)
    assert refused.value.error_list[0].code == code


def test_an_amount_is_shown_as_it_would_be_typed() -> None:
    form = PlanForm(initial={"price": 495})
    assert 'value="4.95"' in str(form["price"])


def test_a_dangerous_act_needs_the_very_name() -> None:
    assert ConfirmForm({"confirm_name": "anna"}, name="anna").is_valid()
    wrong = ConfirmForm({"confirm_name": "anne"}, name="anna")
    assert not wrong.is_valid()
    assert "This is not the name." in str(wrong.errors)
    assert ConfirmForm({}).is_valid()
