"""Tables of the catalogue."""

from __future__ import annotations

import django_filters
import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.catalog.models import Access, Plan
from heliosphere.panel.look.lists import SearchFilter
from heliosphere.panel.look.tables import HelioTable


class PlanTable(HelioTable):
    name = tables.LinkColumn(
        "catalog:plan", args=[tables.A("pk")], verbose_name=_("Plan"), attrs={"td": {"class": "h-main"}}
    )
    signup_on = tables.TemplateColumn(
        template_name="catalog/signup_switch.html", verbose_name=_("Signup"), orderable=True
    )
    access = tables.Column(verbose_name=_("Open to"))
    billing_type = tables.Column(verbose_name=_("Billing"))
    account_count = tables.Column(
        verbose_name=_("Accounts"), attrs={"td": {"class": "h-num"}, "th": {"class": "h-num"}}
    )

    empty_title = _("No plans yet")
    empty_help = _("A plan is what customers sign up for: resources, prices and billing periods.")
    empty_icon = "plan"
    empty_action = (_("Create the first plan"), "catalog:plan-start")

    class Meta(HelioTable.Meta):
        model = Plan
        fields = ("name", "signup_on", "access", "billing_type", "account_count")


class PlanFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = SearchFilter("name", "description")
    access = django_filters.ChoiceFilter(choices=Access.choices, label=_("Open to"))

    class Meta:
        model = Plan
        fields: tuple[str, ...] = ()
