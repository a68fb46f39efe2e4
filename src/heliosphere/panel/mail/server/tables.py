"""Tables of mail servers, sessions and changed verdicts."""

from __future__ import annotations

import django_filters
import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from heliosphere.panel.look.lists import SearchFilter
from heliosphere.panel.look.tables import HelioTable, MomentColumn, StateColumn
from heliosphere.panel.servers.models import LogicalServer


class MailServerTable(HelioTable):
    name = tables.LinkColumn(
        "mail:server",
        args=[tables.A("pk")],
        verbose_name=_("Mail server"),
        attrs={"td": {"class": "h-main h-break"}},
    )
    physical = tables.Column(verbose_name=_("On"))
    settings = tables.TemplateColumn(
        template_name="mail/server/state.html", verbose_name=_("Settings"), orderable=False
    )
    read_at = MomentColumn(
        accessor="physical__mail_state__read_at", verbose_name=_("Read"), orderable=False, default="–"
    )

    empty_title = _("No mail servers")
    empty_help = _("They are the logical servers of the kind mail.")
    empty_icon = "mail"

    class Meta(HelioTable.Meta):
        model = LogicalServer
        fields = ("name", "physical", "settings", "read_at")


class MailServerFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = SearchFilter("name", "physical__name")

    class Meta:
        model = LogicalServer
        fields: tuple[str, ...] = ()


class SessionTable(HelioTable):
    """Rows are SessionRow."""

    at = tables.TemplateColumn(
        '{% load look %}<a href="{{ record.url }}">{% when value %}</a>',
        verbose_name=_("Time"),
        attrs={"td": {"class": "h-main"}},
    )
    client = tables.Column(verbose_name=_("Client"), attrs={"td": {"class": "h-break"}})
    sender = tables.Column(verbose_name=_("Sender"), attrs={"td": {"class": "h-break h-address"}})
    recipients = tables.Column(verbose_name=_("Recipients"), attrs={"td": {"class": "h-break h-address"}})
    state = StateColumn(verbose_name=_("Answer"))
    why = tables.Column(verbose_name=_("Why"), default="", attrs={"td": {"class": "h-break"}})

    empty_title = _("No sessions found")
    empty_help = _(
        "Mail servers keep records for some days (setting sessiondays). Look for less, or wait for new mail."
    )
    empty_icon = "mail"

    class Meta(HelioTable.Meta):
        orderable = False


class ChangeTable(HelioTable):
    """Rows are ChangeRow."""

    at = MomentColumn(verbose_name=_("Time"), attrs={"td": {"class": "h-main"}})
    client = tables.Column(verbose_name=_("Client"), attrs={"td": {"class": "h-nowrap"}})
    sender = tables.Column(verbose_name=_("Sender"), attrs={"td": {"class": "h-break h-address"}})
    recipient = tables.Column(verbose_name=_("Recipient"), attrs={"td": {"class": "h-break h-address"}})
    was = tables.TemplateColumn(template_name="mail/server/verdict.html", verbose_name=_("As it is"))
    becomes = tables.TemplateColumn(
        template_name="mail/server/verdict.html", verbose_name=_("With your changes")
    )
    why = tables.Column(verbose_name=_("Why"), default="", attrs={"td": {"class": "h-break"}})

    class Meta(HelioTable.Meta):
        orderable = False
