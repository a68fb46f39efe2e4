"""Invoices for customers and staff, and the provider's money settings."""

from __future__ import annotations

from typing import Any

import django_filters
import django_tables2 as tables
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from heliosphere.panel.accounts.doors import (
    PanelRequest,
    account_only,
    open_when_suspended,
    signed_in,
    staff_only,
)
from heliosphere.panel.accounts.queries import provider_of
from heliosphere.panel.billing import ledger, queries, services
from heliosphere.panel.billing.forms import PaymentSettingsForm, TaxForm, initial_settings
from heliosphere.panel.billing.gateways.base import GATEWAYS
from heliosphere.panel.billing.models import Invoice, Tax
from heliosphere.panel.billing.pdf import invoice_pdf
from heliosphere.panel.look.lists import ListPage
from heliosphere.panel.look.parts import Crumb
from heliosphere.panel.look.tables import HelioTable, MoneyColumn


class InvoiceTable(HelioTable):
    number = tables.LinkColumn(
        "billing:invoice",
        args=[tables.A("pk")],
        verbose_name=gettext_lazy("Invoice"),
        attrs={"td": {"class": "h-main"}},
        text=str,
    )
    issued_on = tables.DateColumn(verbose_name=gettext_lazy("Issued"))
    total_minor = MoneyColumn(currency="currency", verbose_name=gettext_lazy("Total"))
    paid_at = tables.TemplateColumn(
        template_name="billing/paid_badge.html",
        verbose_name=gettext_lazy("State"),
    )

    empty_title = gettext_lazy("No invoices yet")
    empty_help = gettext_lazy("Every charge comes with an invoice; you find them here.")
    empty_icon = "invoice"

    class Meta(HelioTable.Meta):
        model = Invoice
        fields = ("number", "issued_on", "total_minor", "paid_at")


class InvoiceFilter(django_filters.FilterSet):  # type: ignore[misc]
    since = django_filters.DateFilter(
        field_name="issued_on",
        lookup_expr="gte",
        label=gettext_lazy("Issued since"),
        widget=forms.DateInput({"type": "date"}),
    )

    class Meta:
        model = Invoice
        fields: tuple[str, ...] = ()


class InvoiceList(ListPage):
    """The account's invoices."""

    title = gettext_lazy("Invoices")
    template_name = "billing/invoices.html"
    table_class = InvoiceTable
    filterset_class = InvoiceFilter
    export_name = "invoices"

    def get_queryset(self) -> Any:
        return queries.invoices(self.request.principal).filter(account=self.request.account)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        account = self.request.account
        more = {"balance_minor": ledger.balance_minor(account), "account": account}
        return super().get_context_data(**kwargs) | more


invoice_list = account_only(open_when_suspended(InvoiceList.as_view()))


def _invoice(request: PanelRequest, pk: int) -> Invoice:
    return Invoice.objects.one(request.principal, pk=pk)


@signed_in
def invoice(request: PanelRequest, pk: int) -> HttpResponse:
    """An invoice, ready to print."""
    row = _invoice(request, pk)
    back = (
        Crumb(str(row.account), reverse("hosting:account", args=[row.account_id]))
        if request.principal.is_staff
        else Crumb(_("Invoices"), reverse("billing:invoices"))
    )
    context = {"title": _("Invoice %s") % row, "invoice": row, "breadcrumbs": [back, Crumb(str(row))]}
    return render(request, "billing/invoice.html", context)


@signed_in
def invoice_file(request: PanelRequest, pk: int) -> HttpResponse:
    """The same as PDF."""
    row = _invoice(request, pk)
    answer = HttpResponse(invoice_pdf(row), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="invoice-{row}.pdf"'
    return answer


@staff_only
def payment_settings(request: PanelRequest) -> HttpResponse:
    """Checks and cards, and which gateway charges them."""
    provider = provider_of(request.principal)
    form = PaymentSettingsForm(request.POST or None, initial=initial_settings(provider))
    if request.method == "POST" and form.is_valid():
        services.change_payment_settings(
            provider, dict(form.cleaned_data), actor=request.principal, now=request.clock()
        )
        messages.success(request, _("The payment settings are saved."))
        return redirect("billing:payment-settings")
    context = {"title": _("Payment settings"), "form": form, "gateways": list(GATEWAYS)}
    return render(request, "billing/payment_settings.html", context)


@staff_only
def taxes(request: PanelRequest) -> HttpResponse:
    """The provider's taxes, and a form for one more."""
    form = TaxForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        services.add_tax(
            provider_id=request.principal.provider_id or 0,
            description=values["description"],
            rate_ppm=form.rate_ppm(),
            country=values["country"],
            inside=values["inside"] == "1",
            actor=request.principal,
            now=request.clock(),
        )
        messages.success(request, _("The tax is added. It is on every invoice issued from now on."))
        return redirect("billing:taxes")
    rows = list(Tax.objects.of(request.principal).order_by("id"))
    return render(request, "billing/taxes.html", {"title": _("Taxes"), "form": form, "taxes": rows})


@staff_only
@require_POST
def tax_remove(request: PanelRequest, pk: int) -> HttpResponse:
    services.remove_tax(
        Tax.objects.one(request.principal, pk=pk), actor=request.principal, now=request.clock()
    )
    messages.success(request, _("The tax is gone from new invoices; issued ones stay as they are."))
    return redirect("billing:taxes")
