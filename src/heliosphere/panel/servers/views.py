"""E.Manager: the physical and logical servers of the installation."""

from __future__ import annotations

from typing import Any

import django_filters
import django_tables2 as tables
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from heliosphere.panel.accounts.doors import PanelRequest, owner_only
from heliosphere.panel.look.lists import ListPage, SearchFilter
from heliosphere.panel.look.tables import HelioTable
from heliosphere.panel.servers import services
from heliosphere.panel.servers.models import LogicalServer, PhysicalServer


class PhysicalTable(HelioTable):
    name = tables.Column(verbose_name=gettext_lazy("Server"), attrs={"td": {"class": "h-main"}})
    ip = tables.Column(verbose_name=gettext_lazy("Address"))
    node = tables.Column(verbose_name=gettext_lazy("Node"))

    empty_title = gettext_lazy("No physical servers")
    empty_icon = "server"

    class Meta(HelioTable.Meta):
        model = PhysicalServer
        fields = ("name", "ip", "node")


class LogicalTable(HelioTable):
    name = tables.Column(verbose_name=gettext_lazy("Server"), attrs={"td": {"class": "h-main h-break"}})
    group = tables.Column(verbose_name=gettext_lazy("Group"))
    physical = tables.Column(verbose_name=gettext_lazy("On"))
    signup_on = tables.TemplateColumn(
        template_name="servers/signup_switch.html", verbose_name=gettext_lazy("Available for signup")
    )

    empty_title = gettext_lazy("No logical servers")
    empty_icon = "server-logical"

    class Meta(HelioTable.Meta):
        model = LogicalServer
        fields = ("name", "group", "physical", "signup_on")


class PhysicalFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = SearchFilter("name", "ip")

    class Meta:
        model = PhysicalServer
        fields: tuple[str, ...] = ()


class LogicalFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = SearchFilter("name", "description")

    class Meta:
        model = LogicalServer
        fields: tuple[str, ...] = ()


@method_decorator(owner_only, name="dispatch")
class PhysicalList(ListPage):
    title = gettext_lazy("Physical servers")
    table_class = PhysicalTable
    filterset_class = PhysicalFilter

    def get_queryset(self) -> Any:
        return PhysicalServer.objects.order_by("name")


@method_decorator(owner_only, name="dispatch")
class LogicalList(ListPage):
    title = gettext_lazy("Logical servers")
    subtitle = gettext_lazy(
        "A new customer goes to one of the servers available for signup, chosen at random."
    )
    table_class = LogicalTable
    filterset_class = LogicalFilter

    def get_queryset(self) -> Any:
        return LogicalServer.objects.select_related("group", "physical").order_by("name")


@owner_only
@require_POST
def logical_signup(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(LogicalServer, pk=pk)
    on = request.POST.get("on") == "1"
    services.set_signup(row, on, actor=request.principal, now=request.clock())
    texts = {True: _("%s takes new customers."), False: _("%s takes no new customers.")}
    messages.success(request, texts[on] % row.name)
    return redirect("servers:logical")
