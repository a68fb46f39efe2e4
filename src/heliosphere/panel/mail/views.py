"""User CP: mailboxes."""

from __future__ import annotations

from typing import Any

import django_filters
import django_tables2 as tables
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from heliosphere.panel.accounts.doors import PanelRequest, account_only
from heliosphere.panel.look.forms import ConfirmForm
from heliosphere.panel.look.lists import ListPage, SearchFilter
from heliosphere.panel.look.parts import Crumb
from heliosphere.panel.look.tables import HelioTable
from heliosphere.panel.mail import services
from heliosphere.panel.mail.forms import MailboxForm
from heliosphere.panel.mail.models import Mailbox, MailDomain
from heliosphere.panel.platform.errors import Refused


class MailboxTable(HelioTable):
    address = tables.LinkColumn(
        "mail:mailbox",
        args=[tables.A("pk")],
        verbose_name=gettext_lazy("Mailbox"),
        attrs={"td": {"class": "h-main h-break"}},
    )
    reality = tables.TemplateColumn(
        "{% include 'platform/reality.html' with row=record %}",
        verbose_name=gettext_lazy("State"),
        orderable=False,
    )
    quota_mb = tables.TemplateColumn(
        template_name="mail/quota.html",
        verbose_name=gettext_lazy("Quota"),
        attrs={"td": {"class": "h-num"}, "th": {"class": "h-num"}},
    )
    comment = tables.Column(verbose_name=gettext_lazy("Comment"))

    empty_title = gettext_lazy("No mailboxes yet")
    empty_help = gettext_lazy("Add one to send and receive mail under your domain.")
    empty_icon = "mailbox"

    class Meta(HelioTable.Meta):
        model = Mailbox
        fields = ("address", "reality", "quota_mb", "comment")


class MailboxFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = SearchFilter("address", "comment")

    class Meta:
        model = Mailbox
        fields: tuple[str, ...] = ()


@method_decorator(account_only, name="dispatch")
class MailboxList(ListPage):
    title = gettext_lazy("Mailboxes")
    template_name = "mail/mailboxes.html"
    table_class = MailboxTable
    filterset_class = MailboxFilter
    export_name = "mailboxes"

    def get_queryset(self) -> Any:
        return Mailbox.objects.of(self.request.principal).select_related("domain").order_by("address")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        domains = list(
            MailDomain.objects.of(self.request.principal).select_related("server").order_by("name")
        )
        house = settings.HELIOSPHERE
        ports = {
            "imap": house.port("imap", 143),
            "pop3": house.port("pop3", 110),
            "submission": house.port("submission", 587),
        }
        return super().get_context_data(**kwargs) | {"domains": domains, "ports": ports}


@account_only
def add(request: PanelRequest, domain_id: int) -> HttpResponse:
    row = MailDomain.objects.one(request.principal, pk=domain_id)
    form = MailboxForm(request.POST or None, domain=str(row))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            services.open_mailbox(
                row,
                local=values["local"],
                password=values["password"],
                quota_mb=values["quota_mb"],
                comment=values["comment"],
                actor=request.principal,
                now=request.clock(),
            )
        except Refused as error:
            form.add_error(
                error.field if error.field in form.fields else None, f"{error.message} {error.advice}".strip()
            )
        else:
            messages.success(request, _("The mailbox is being set up."))
            return redirect("mail:mailboxes")
    context = {
        "title": _("Add a mailbox"),
        "form": form,
        "save_label": _("Add the mailbox"),
        "cancel_url": reverse("mail:mailboxes"),
        "breadcrumbs": [Crumb(_("Mailboxes"), reverse("mail:mailboxes")), Crumb(_("Add"))],
    }
    return render(request, "look/pages/form.html", context)


@account_only
def mailbox(request: PanelRequest, pk: int) -> HttpResponse:
    """Change one mailbox."""
    row = Mailbox.objects.one(request.principal, pk=pk)
    initial = {"quota_mb": row.quota_mb, "comment": row.comment}
    form = MailboxForm(request.POST or None, domain=str(row.domain), address=row.address, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            services.change_mailbox(
                row,
                password=values["password"] or None,
                quota_mb=values["quota_mb"],
                comment=values["comment"],
                actor=request.principal,
                now=request.clock(),
            )
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, str(error.message))
        else:
            messages.success(request, _("The change is on its way to the mail server."))
            return redirect("mail:mailboxes")
    context = {
        "title": row.address,
        "form": form,
        "mailbox": row,
        "cancel_url": reverse("mail:mailboxes"),
        "breadcrumbs": [Crumb(_("Mailboxes"), reverse("mail:mailboxes")), Crumb(row.address)],
    }
    return render(request, "mail/mailbox.html", context)


@account_only
def remove(request: PanelRequest, pk: int) -> HttpResponse:
    row = Mailbox.objects.one(request.principal, pk=pk)
    form = ConfirmForm(request.POST or None, name=row.address)
    if request.method == "POST" and form.is_valid():
        services.remove_mailbox(row, actor=request.principal, now=request.clock())
        messages.success(request, _("%s is being removed.") % row.address)
        return redirect("mail:mailboxes")
    context = {
        "title": _("Remove %s?") % row.address,
        "lead": _("All mail stored in it is deleted, and new mail to it is refused."),
        "irreversible": True,
        "form": form,
        "action_label": _("Remove the mailbox"),
        "cancel_url": reverse("mail:mailbox", args=[row.pk]),
    }
    return render(request, "look/pages/confirm.html", context)
